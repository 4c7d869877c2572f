#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mutants.py - would the tests notice?  Changes module/core in one place at a time,
an operator, a constant, a condition or a statement, and runs the unit tests (all in
one program), the scenarios and SEEDS seeds of the simulator against it.

MUTANTS places are drawn (SEED says which); FILES= restricts them (module/core/x.c).
A mutant the compiler refuses is not counted, nor one whose object is the same code.
Those that change nothing anybody could see are in equivalent.txt: file, the line's
text, the change, why.  Prints the survivors and the score; fails below SCORE percent.
"""
import glob
import os
import random
import re
import subprocess
import sys

TOP = os.path.abspath(os.path.dirname(__file__) + '/../..')
OUT = TOP + '/build/mutants'
CORE = TOP + '/module/core'
SHIM = TOP + '/selftests/unit/shim'
ENV = os.environ.get
CC = ['gcc', '-std=gnu11', '-O1', '-w', '-DRILL_SIM_POOL', '-I' + SHIM, '-I' + CORE,
      '-I' + TOP + '/selftests/unit', '-I' + OUT]
EDITS = [(r'==', '!='), (r'!=', '=='), (r'(?<![<-])<=', '<'), (r'(?<![>-])>=', '>'),
         (r' < ', ' <= '), (r' > ', ' >= '), (r' < ', ' >= '), (r' > ', ' <= '),
         (r' \+ ', ' - '), (r' - ', ' + '), (r' \* ', ' + '), (r' && ', ' || '),
         (r' \|\| ', ' && '), (r'\bmin\(', 'max('), (r'\bmax\(', 'min('),
         (r'(?<=if \()(?=.*\)$)', '!!0 && '), (r'(?<=if \()(?=.*\)$)', '!0 || '),
         (r'\b0\b', '1'), (r'\b1\b', '2'), (r'\b2\b', '3'), (r'\btrue\b', 'false'),
         (r'\bfalse\b', 'true'), (r' \+= ', ' -= '), (r' -= ', ' += '), (r'\+\+', '--'),
         (r' \|= ', ' &= '), (r' << ', ' >> '), (r'^(\t+)[\w>.\[\]-]+ [|+-]?= .*;$', r'\1;'),
         (r'^(\t+)[\w]+\(.*\);$', r'\1;')]


def run(cmd, limit=120):
    try:
        return subprocess.run(cmd, cwd=TOP, stdout=subprocess.DEVNULL, timeout=limit,
                              stderr=subprocess.DEVNULL, check=False).returncode
    except subprocess.TimeoutExpired:
        return 1		# for ever is wrong too


def places(files):
    """Every edit of every line of code: (file, line number, new line)."""
    for f in files:
        comment = False
        for n, line in enumerate(open(f, encoding='utf-8').read().split('\n')):
            comment = comment or line.lstrip().startswith('/*')
            code = not comment and not line.startswith('#') and '_Static_assert' not in line
            comment = comment and '*/' not in line
            body = line.split('/*')[0]
            if not code or not body.startswith('\t') or 'case ' in body:
                continue
            for pat, to in EDITS:
                for m in re.finditer(pat, body):
                    new = body[:m.start()] + m.expand(to) + body[m.end():]
                    if new != body:
                        yield f, n, new


def objects(sources, where):
    """Compile @sources, and say what came of each."""
    os.makedirs(where, exist_ok=True)
    made = [where + '/' + os.path.basename(s)[:-2] + '.o' for s in sources]
    for s, o in zip(sources, made):
        if run(CC + ['-c', '-o', o, s]):
            sys.exit('mutants: cannot compile ' + s)
    return made


def judge(core, tests, seeds):
    """Which program notices, '' for none."""
    for name, objs, cmd in tests:
        exe = OUT + '/' + name
        if run(['gcc', '-o', exe] + objs + core + ['-lm']):
            return 'link'
        if run([exe] + cmd(seeds)):
            return name
    return ''


def main():
    count, seed = int(ENV('MUTANTS', '50')), int(ENV('SEED', '1'))
    os.makedirs(OUT, exist_ok=True)
    subprocess.run(['make', '-s', '-C', TOP + '/selftests/scen', 'OUT=' + OUT,
                    OUT + '/mib_names.h'], check=True)
    unit = TOP + '/selftests/unit/'
    duo = objects([unit + 'duo.c', SHIM + '/siphash.c'], OUT + '/duo')
    scen = sorted(glob.glob(TOP + '/selftests/scen/*/*.scen'))
    tests = [('unit', objects([unit + 'runner.c'] + glob.glob(unit + 'test_*.c'),
                              OUT + '/unit.o') + duo, lambda seeds: []),
             ('scen', objects(glob.glob(TOP + '/selftests/scen/*.c'), OUT + '/scen.o') + duo,
              lambda seeds: scen),
             ('sim', objects(glob.glob(TOP + '/selftests/sim/*.c'), OUT + '/sim.o') + duo[1:],
              lambda seeds: ['--seed', '1', '--seeds', seeds])]
    core = objects(sorted(glob.glob(CORE + '/*.c')), OUT + '/core.o')
    if judge(core, tests, ENV('SEEDS', '60')):
        sys.exit('mutants: the tests fail as they are')
    files = ENV('FILES', '').split() or sorted(glob.glob(CORE + '/*.c'))
    drawn = list(places([os.path.join(TOP, f) for f in files]))
    random.Random(seed).shuffle(drawn)
    known = open(os.path.dirname(__file__) + '/equivalent.txt', encoding='utf-8').read()
    report(try_all(drawn, count, core, tests, known))


def try_all(drawn, count, core, tests, known):
    tried, killed, survivors = 0, {}, []
    for f, n, new in drawn:
        if tried == count:
            break
        lines = open(f, encoding='utf-8').read().split('\n')
        name = os.path.basename(f)
        if f'{name}: {lines[n].strip()} -> {new.strip()}\n' in known:
            continue
        at = next(i for i, o in enumerate(core) if o.endswith('/' + name[:-2] + '.o'))
        mutant, obj = OUT + '/' + name, OUT + '/mutant.o'
        was = lines[n]
        lines[n] = new
        with open(mutant, 'w', encoding='utf-8') as out:
            out.write('\n'.join(lines))
        if run(CC + ['-c', '-o', obj, mutant]) or open(obj, 'rb').read() == open(core[at], 'rb').read():
            continue
        tried += 1
        by = judge(core[:at] + [obj] + core[at + 1:], tests, ENV('SEEDS', '60'))
        killed[by] = killed.get(by, 0) + 1
        if not by:
            survivors.append(f'{name}:{n + 1}: {was.strip()} -> {new.strip()}')
            print('survived: ' + survivors[-1], flush=True)
    return tried, killed, survivors


def report(result):
    tried, killed, survivors = result
    dead = tried - len(survivors)
    print(', '.join(f'{n} by {by}' for by, n in sorted(killed.items()) if by))
    print(f'{tried} mutants, {dead} killed: {100 * dead / max(tried, 1):.1f} %')
    sys.exit(100 * dead < float(ENV('SCORE', '95')) * tried)


main()
