# SPDX-License-Identifier: GPL-2.0
"""table.py SUMMARY.json PERCENT [SHOW.txt] - the table of coverage.sh, the lines
that nothing executed, and the verdict: are PERCENT of the lines covered?"""
import json
import re
import sys


def table(files):
    total = [0, 0, 0, 0]
    print(f'{"file":<14} {"lines":>11} {"%":>7}   {"MC/DC":>9} {"%":>7}')
    for f in files:
        s = f['summary']
        n = [s['lines']['covered'], s['lines']['count'], s['mcdc']['covered'], s['mcdc']['count']]
        if n[1]:
            row(f['filename'].rsplit('/', 1)[1], n)
        total = [a + b for a, b in zip(total, n)]
    row('core', total)
    return total


def row(name, n):
    def percent(a, b):
        return f'{100 * a / b:.2f}' if b else '-'
    print(f'{name:<14} {n[0]:>5}/{n[1]:<5} {percent(n[0], n[1]):>7}   '
          f'{n[2]:>4}/{n[3]:<4} {percent(n[2], n[3]):>7}')


def missed(show):
    """The lines with a count of 0, of llvm-cov's listing."""
    where = '?'
    for line in open(show, encoding='utf-8'):
        if line.startswith('/') and line.rstrip().endswith(':'):
            where = line.rstrip()[:-1].split('/module/')[-1]
        m = re.match(r' *(\d+)\| *0\|(.*)', line)
        if m and m[2].strip():
            print(f'module/{where}:{m[1]}: {m[2].strip()}')


files = [f for f in json.load(open(sys.argv[1], encoding='utf-8'))['data'][0]['files']
         if '/module/core/' in f['filename']]
total = table(sorted(files, key=lambda f: f['filename']))
if len(sys.argv) > 3 and sys.argv[3]:
    missed(sys.argv[3])
good = 100 * total[0] >= float(sys.argv[2]) * total[1]
print(f'{int(good)} passed, {int(not good)} failed')
sys.exit(not good)
