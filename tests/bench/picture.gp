# picture.gp -- cost and freshness, a point per contestant: folder/points.dat -> folder/idleflush.svg
# SPDX-License-Identifier: MIT
if (!exists("folder")) folder = "build/bench"
set encoding utf8
set terminal svg size 900,580 font "Helvetica,Arial,sans-serif,15" background "#ffffff"
set output folder . "/idleflush.svg"

ink = "#24292f"
faint = "#8c959f"
ours = "#0b7a75"
theirs = "#bc4c00"

set lmargin at screen 0.118
set rmargin at screen 0.94
set tmargin at screen 0.865
set bmargin at screen 0.125

load folder . "/axes.gp"
set logscale y
set border 3 linecolor rgb faint linewidth 1
set tics nomirror out scale 0.6 textcolor rgb ink
set grid ytics linecolor rgb "#eaeef2" linewidth 1 linetype 1
set format x "×%.1f"
set ytics ("10 µs" 1e-5, "100 µs" 1e-4, "1 ms" 1e-3, "10 ms" 1e-2, "100 ms" 1e-1, "1 s" 1, "10 s" 10)
set xlabel "CPU time per request, compared with full buffering" textcolor rgb ink offset 0,0.2

set label 1 "How old is a log line when it is read, and what does that cost?" \
  at screen 0.02,0.955 left textcolor rgb ink font ",19"
set label 2 sprintf("median age at %d requests/s", rate) \
  at screen 0.02,0.9 left textcolor rgb faint

set object 1 rectangle from graph 0,0 to first 1.1,0.02 \
  fillcolor rgb "#e3f3f0" fillstyle solid noborder behind
set label 3 "fresh and cheap" at graph 0.014,0.035 left textcolor rgb ours font ",13"
unset key

plot folder . "/points.dat" \
     using 1:2:($3 - $1):(10 ** (log10($4)) - $2) with vectors nohead linecolor rgb "#d0d7de", \
  '' using ($5 == 0 ? $1 : NaN):2 with points pointtype 7 pointsize 1.1 linecolor rgb theirs, \
  '' using ($5 == 1 ? $1 : NaN):2 with points pointtype 7 pointsize 1.1 linecolor rgb "#5fb3ad", \
  '' using ($5 == 2 ? $1 : NaN):2 with points pointtype 7 pointsize 1.6 linecolor rgb ours, \
  '' using ($5 < 2 ? $3 : NaN):4:6 with labels left offset 0.3,0 textcolor rgb ink, \
  '' using ($5 == 2 ? $3 : NaN):4:6 with labels left offset 0.3,0 textcolor rgb ours font ",19"
