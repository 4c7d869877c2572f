#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""plots.py - pictures of the simulator's scenarios, CUBIC and BBR side by side.

    plots.py RILL-SIM OUT NAME CUBIC-SCENARIO BBR-SCENARIO SECONDS TITLE

writes OUT/NAME.svg from `rill-sim --scenario S --samples 10`: bytes sent and
acknowledged, the window and what is in flight, the round trip, the queue.
"""
import subprocess
import sys

W, H, GAP_X, GAP_Y, LEFT, TOP = 430, 120, 70, 34, 62, 64
COLOURS = ("#1f6fb4", "#d9822b", "#3a9a5b", "#8a4fbf")
GREY, RED, INK = "#9aa3ab", "#c8373a", "#24292f"
POINTS = 240    # of a line, at most


def samples(sim, scenario, seconds):
    """The samples of each flow, as lists of dictionaries."""
    run = subprocess.run([sim, "--scenario", scenario, "--samples", "10"],
                         stdout=subprocess.PIPE, text=True, check=True)
    lines = [l.split()[1:] for l in run.stdout.splitlines() if l.startswith("sample ")]
    flows = {}
    for row in lines[1:]:
        s = dict(zip(lines[0], map(float, row)))
        if s["ms"] <= 1000 * seconds:
            flows.setdefault(int(s["plan"]), []).append(s)
    return [flows[k] for k in sorted(flows)]


def thin(points):
    """As many points as a line needs, each the highest of those it stands for."""
    step = max(1, len(points) // POINTS)
    return [max(points[i:i + step], key=lambda p: p[1]) for i in range(0, len(points), step)]


def nice(top):
    """A round number not below @top."""
    size = 10 ** (len(str(int(max(top, 1)))) - 1)
    return next(size * m for m in (1, 1.2, 1.5, 2, 3, 4, 5, 6, 8, 10) if size * m >= top)


class Panel:
    """One diagram: a place on the sheet and two scales."""

    def __init__(self, column, row, seconds, top):
        self.x0 = LEFT + column * (W + GAP_X)
        self.y0 = TOP + row * (H + GAP_Y)
        self.seconds, self.top = seconds, nice(top)

    def at(self, t, v):
        return (self.x0 + W * t / self.seconds,
                self.y0 + H * (1 - min(v, self.top) / self.top))

    def frame(self, label, unit):
        out = []
        for k in range(3):
            y = self.y0 + H * k / 2
            v = self.top * (2 - k) / 2
            out.append(f'<path d="M{self.x0} {y:g}h{W}" stroke="#e4e7ea"/>')
            out.append(f'<text x="{self.x0 - 6}" y="{y + 4:g}" text-anchor="end">{v:g}</text>')
        for t in range(0, int(self.seconds) + 1, max(1, int(self.seconds) // 5)):
            x = self.at(t, 0)[0]
            out.append(f'<text x="{x:g}" y="{self.y0 + H + 14}" text-anchor="middle">{t} s</text>')
        out.append(f'<text x="{self.x0}" y="{self.y0 - 6}" class="l">{label}, {unit}</text>')
        return out

    def line(self, points, colour, width=1.4):
        path = "L".join("%.1f %.1f" % self.at(t, v) for t, v in thin(points))
        return [f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>']

    def ticks(self, times, colour):
        y = self.y0 + H
        path = "".join("M%.1f %gv-5" % (self.at(t, 0)[0], y) for t in sorted({round(t, 2) for t in times}))
        return [f'<path d="{path}" stroke="{colour}"/>'] if path else []


def key(panel, words):
    """What the colours mean, in the panel's upper right."""
    out, x = [], panel.x0 + W
    for word, colour in reversed(words):
        out.append(f'<text x="{x}" y="{panel.y0 - 6}" text-anchor="end" fill="{colour}">{word}</text>')
        x -= 7 * len(word) + 8
    return out


def column(n, flows, seconds, tops):
    """The four panels of one algorithm."""
    out = []
    rows = [Panel(n, r, seconds, tops[r]) for r in range(4)]
    names = (("sequence", "MB"), ("window", "kB"), ("round trip", "ms"), ("queue", "ms"))
    for panel, (label, unit) in zip(rows, names):
        out += panel.frame(label, unit)
    for flow, colour in zip(flows, COLOURS):
        def line(field, scale):
            return [(s["ms"] / 1000, s[field] / scale) for s in flow]
        out += rows[0].line(line("sent", 1e6), GREY)
        out += rows[0].line(line("acked", 1e6), colour)
        out += rows[0].ticks([b["ms"] / 1000 for a, b in zip(flow, flow[1:])
                              if b["again"] > a["again"]], RED)
        out += rows[1].line(line("inflight", 1e3), GREY, 1)
        out += rows[1].line(line("cwnd", 1e3), colour)
        out += rows[2].line(line("srtt_us", 1e3), colour)
    out += rows[3].line([(s["ms"] / 1000, s["queue_us"] / 1e3) for s in flows[0]], COLOURS[0], 1)
    out += key(rows[0], (("sent", GREY), ("acknowledged", COLOURS[0]), ("sent again", RED)))
    out += key(rows[1], (("in flight", GREY), ("cwnd", COLOURS[0])))
    return out


def sheet(title, halves, seconds):
    """The whole picture; both halves have the same scales."""
    every = [s for _, flows in halves for flow in flows for s in flow]
    tops = [max(s[f] for s in every) / scale for f, scale in
            (("sent", 1e6), ("inflight", 1e3), ("srtt_us", 1e3), ("queue_us", 1e3))]
    tops[1] *= 1.2
    width = LEFT + 2 * W + GAP_X + 24
    height = TOP + 4 * (H + GAP_Y)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           f'font-family="sans-serif" font-size="11" fill="{INK}">',
           "<style>.l{font-weight:bold}</style>",
           f'<rect width="{width}" height="{height}" fill="#fff"/>',
           f'<text x="{LEFT}" y="20" font-size="14">{title}</text>']
    for n, (name, flows) in enumerate(halves):
        x = LEFT + n * (W + GAP_X)
        out.append(f'<text x="{x}" y="40" font-size="13" class="l">{name}</text>')
        out += column(n, flows, seconds, tops)
    return "\n".join(out + ["</svg>"]) + "\n"


def main():
    if len(sys.argv) != 8:
        sys.exit(__doc__)
    sim, where, name, cubic, bbr, seconds, title = sys.argv[1:]
    seconds = float(seconds)
    halves = [("CUBIC", samples(sim, cubic, seconds)), ("BBR", samples(sim, bbr, seconds))]
    with open(f"{where}/{name}.svg", "w", encoding="ascii") as out:
        out.write(sheet(title, halves, seconds))


main()
