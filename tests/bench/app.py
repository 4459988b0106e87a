# app.py -- the FastAPI application of the benchmark: one print a request, as it is usually written
# SPDX-License-Identifier: MIT
import os
import time

from fastapi import FastAPI

FLUSH = bool(os.environ.get("APP_FLUSH"))  # the source patch
PID = os.getpid()

if "APP_PID_FILE" in os.environ:
    with open(os.environ["APP_PID_FILE"], "w", encoding="ascii") as file:
        file.write(str(PID))

app = FastAPI()


@app.get("/{item}")
async def get(item: str):
    print(f"req {item} pid {PID} ns {time.monotonic_ns()}", flush=FLUSH)
    return {"item": item}
