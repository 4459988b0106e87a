"""app.py -- a FastAPI app that prints a line a request, and knows nothing of idleflush"""

# SPDX-License-Identifier: MIT
from fastapi import FastAPI

app = FastAPI()
print("app is loaded")


@app.get("/{item}")
async def read_item(item: str):
    print(f"req {item}")
    return {"item": item}
