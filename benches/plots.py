"""Plots for the pages, with gnuplot."""

import subprocess

STYLE = """set terminal svg size 760,{height} font "sans-serif,13" background "white"
set output "{path}"
set title "{title}"
set border 3
set tics nomirror
"""


def bars(path, title, rows):
    """One bar for each name, the first one on top."""
    names = ", ".join(f'"{name}" {at}' for at, (name, _) in enumerate(reversed(rows)))
    data = "\n".join(f'{at} {value} "{value:,.1f}"' for at, (_, value) in enumerate(reversed(rows)))
    draw(path, title, 60 + 30 * len(rows), f"""set ytics ({names}) scale 0
set xrange [0:*]
set yrange [-0.6:{len(rows) - 0.4}]
set offsets 0, graph 0.1, 0, 0
unset key
$data << END
{data}
END
plot $data using (0):1:(0):2:($1-0.35):($1+0.35) with boxxyerror fill solid 0.8 linecolor rgb "#4477aa", \\
     $data using 2:1:3 with labels left offset 0.5,0
""")


def lines(path, title, axes, columns, series):
    """One line for each name, over the same columns, both axes logarithmic."""
    blocks = "".join(
        f"$data{at} << END\n" + "\n".join(f"{x} {y}" for x, y in zip(columns, values) if y) + "\nEND\n"
        for at, values in enumerate(series.values())
    )
    plotted = ", ".join(f'$data{at} with linespoints linewidth 2 pointtype 7 title "{name}"' for at, name in enumerate(series))
    draw(path, title, 420, f"""set logscale xy
set xlabel "{axes[0]}"
set ylabel "{axes[1]}"
set grid ytics linecolor rgb "#dddddd"
set key outside right top
{blocks}plot {plotted}
""")


def draw(path, title, height, body):
    """Runs gnuplot."""
    script = STYLE.format(path=path, title=title, height=height) + body
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
