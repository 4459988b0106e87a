# picture.gp -- cost and freshness, a point per contestant: folder/points.dat -> folder/idleflush.svg
set encoding utf8
set terminal svg size 900,560 font "Helvetica,Arial,sans-serif,15" background "#ffffff"
set output folder . "/idleflush.svg"

file = folder . "/points.dat"
stats file using 1 nooutput
high = STATS_max * 1.12 + 0.1

set lmargin at screen 0.115
set rmargin at screen 0.965
set tmargin at screen 0.885
set bmargin at screen 0.125

ink = "#24292f"
quiet = "#8c959f"
ours = "#0b7a75"

set border 3 linecolor rgb quiet linewidth 1
set tics nomirror out scale 0.6 textcolor rgb ink
set grid ytics linecolor rgb "#eaeef2" linewidth 1 linetype 1
set logscale y
set xrange [0.9:high]
set yrange [1e-5:30]
set xtics 0.2 format "×%.1f"
set ytics ("10 µs" 1e-5, "100 µs" 1e-4, "1 ms" 1e-3, "10 ms" 1e-2, "100 ms" 1e-1, "1 s" 1, "10 s" 10)
set xlabel "CPU time per request, of full buffering's" textcolor rgb ink offset 0,0.3
set label 1 "age of a log line when it is read, median" at graph -0.1,1.06 left textcolor rgb ink

set object 1 rectangle from 0.9,1e-5 to 1.1,0.02 fillcolor rgb "#e6f4f1" fillstyle solid noborder behind
set label 2 "fresh and cheap" at 0.912,1.5e-5 left textcolor rgb ours font ",13"
unset key

plot \
  file using 1:2:($3 - $1 - 0.006 * high):($4 - $2) with vectors nohead linecolor rgb "#d0d7de" linewidth 1, \
  file using ($6 == 0 ? $1 : NaN):2 with points pointtype 7 pointsize 1.1 linecolor rgb "#bc4c00", \
  file using ($6 == 1 ? $1 : NaN):2 with points pointtype 7 pointsize 1.1 linecolor rgb "#5fb3ad", \
  file using ($6 == 2 ? $1 : NaN):2 with points pointtype 7 pointsize 1.5 linecolor rgb ours, \
  file using ($6 < 2 ? $3 : NaN):4:5 with labels left textcolor rgb ink, \
  file using ($6 == 2 ? $3 : NaN):4:5 with labels left textcolor rgb ours font ",18"
