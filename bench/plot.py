#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
# plot.py [--only NAME] [FOLDER]: draws the CSV files of bench/results (or FOLDER) into that folder, as SVG and PNG; or NAME.csv alone. A file that
# is not there is left out, with a word about it; a file that cannot be drawn is an error.
import csv
import math
import pathlib
import sys

import matplotlib

matplotlib.use('Agg')
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator  # noqa: E402

# Okabe and Ito's colours, which everybody can tell apart. A subject has the same one in all plots.
BLUE, ORANGE, GREEN, PINK, SKY, RED, YELLOW, GREY = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442', '#7f7f7f')
OURS, THEIRS, BARE = BLUE, ORANGE, GREY
STAGES = {'rx': (GREY, ''), 'classify': (ORANGE, ''), 'prepare': (YELLOW, ''), 'aead': (BLUE, ''), 'finish': (GREEN, ''), 'tx': (PINK, ''),
          'rest': (RED, '')}
BACKEND = {'ipsec-mb': (BLUE, 'o'), 'openssl': (RED, 's')}
DIRECTION = {'seal': 'sealing', 'open': 'opening'}

plt.rcParams.update({
    'font.size': 9, 'font.family': 'DejaVu Sans', 'axes.titlesize': 10, 'axes.titleweight': 'bold', 'axes.titlelocation': 'left',
    'axes.spines.top': False, 'axes.spines.right': False, 'axes.grid': True, 'grid.color': '#dddddd', 'grid.linewidth': 0.6,
    'axes.axisbelow': True, 'legend.frameon': False, 'legend.fontsize': 8, 'lines.linewidth': 1.8, 'lines.markersize': 5,
    'svg.hashsalt': 'wgdp', 'svg.fonttype': 'path', 'figure.dpi': 100, 'savefig.dpi': 150,
})


class Rows(list):
    """Rows of a CSV file, as dictionaries."""

    def where(self, **want):
        return Rows(r for r in self if all(r[k] == str(v) for k, v in want.items()))

    def values(self, key):
        return [float(r[key]) for r in self]

    def distinct(self, key):
        return list(dict.fromkeys(r[key] for r in self))


def read(path):
    with open(path, newline='') as f:
        return Rows(csv.DictReader(f))


def sizes_first(rows):
    """Rows by size, without imix, which is no size."""
    return Rows(sorted((r for r in rows if r['size'] != 'imix'), key=lambda r: int(r['size'])))


def finish(fig, folder, name, machine):
    foot = ' · '.join(x for x in (
        machine.get('cpu model'), machine.get('cores', '?') + ' cores', 'Linux ' + machine.get('kernel', '?'),
        'DPDK ' + machine.get('DPDK', '?'), 'commit ' + machine.get('commit', '?')[:12] +
        (' + changes' if machine.get('tree') == 'changed' else ''), machine.get('date', '')[:10]) if x)
    fig.text(0.995, 0.008, foot, ha='right', va='bottom', fontsize=6.5, color='#666666')
    for suffix in 'svg', 'png':
        fig.savefig(folder / f'{name}.{suffix}', metadata={'Date': None} if suffix == 'svg' else {'Software': None})
    plt.close(fig)


def panels(n, title, height=3.9, widths=None, **share):
    fig, axes = plt.subplots(1, n, figsize=(9, height), gridspec_kw={'width_ratios': widths} if widths else None, layout='constrained',
                             **share)
    fig.get_layout_engine().set(rect=(0, 0.045, 1, 0.955), w_pad=0.08)
    fig.suptitle(title, x=0.01, ha='left', fontsize=12, fontweight='bold')
    return fig, [axes] if n == 1 else list(axes)


def size_axis(ax, sizes):
    """A tick for each size; a number too, unless it would stand on the next one's."""
    named = {a for a, b in zip(sizes, sizes[1:] + [math.inf]) if b > 1.2 * a}
    ax.set_xscale('log', base=2)
    ax.xaxis.set_major_locator(FixedLocator(sizes))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:.0f}' if x in named else ''))
    ax.set_xlabel('packet size, bytes')


def count(x, _=None):
    for unit, name in (1e6, 'M'), (1e3, 'k'):
        if x >= unit:
            return f'{x / unit:g}{name}'
    return f'{x:g}'


def ceiling(data, loop, backend, direction):
    """Gbit/s of the backend alone by size: measured beside the loop where it was, else by bench/aead."""
    raw = {int(r['size']): float(r['gbit_per_s']) for r in sizes_first(data.get('aead', Rows()))
           if (r['backend'], r['direction'], r['keys']) == (backend, direction, '1') and 64 <= int(r['size']) <= 1420}
    raw.update({int(r['size']): int(r['size']) * 8 / float(r['raw_ns']) for r in loop})
    return dict(sorted(raw.items()))


def throughput(data, folder, machine):
    """One core, one peer, by size, with what the backend could do alone."""
    fig, axes = panels(2, 'Throughput of one core doing everything, one peer', sharey=True)
    for ax, direction in zip(axes, DIRECTION):
        for backend, (colour, marker) in BACKEND.items():
            loop = sizes_first(data['dataplane'].where(backend=backend, direction=direction, layout='one', peers=1))
            raw = ceiling(data, loop, backend, direction)
            if raw:
                ax.plot(list(raw), list(raw.values()), color=colour, linestyle=(0, (4, 2)), linewidth=1.2,
                        label=f'{backend} alone: the ceiling')
            if loop:
                ax.plot(loop.values('size'), loop.values('gbit_per_s'), color=colour, marker=marker,
                        linestyle='-' if len(loop) > 2 else 'none', label=f'wgdp with {backend}')
        size_axis(ax, [64, 128, 256, 512, 1024, 1420])
        ax.set_title(DIRECTION[direction].capitalize())
    axes[0].set_ylim(bottom=0)  # of both
    axes[0].set_ylabel('Gbit/s of inner packets')
    axes[0].legend(loc='upper left')
    finish(fig, folder, 'throughput', machine)


def ratio(data, folder, machine):
    """How much of the raw rate the whole loop keeps."""
    targets = {'seal': (0.75, 0.92), 'open': (0.70, 0.90)}
    fig, axes = panels(2, 'Share of the raw AEAD rate that the whole loop keeps, one core', sharey=True)
    for ax, direction in zip(axes, DIRECTION):
        for backend, (colour, marker) in BACKEND.items():
            for peers, style in ('1', '-'), ('1000', ':'):
                r = sizes_first(data['dataplane'].where(backend=backend, direction=direction, layout='one', peers=peers))
                if r:
                    ax.plot(r.values('size'), r.values('ratio'), color=colour, marker=marker, mfc=colour if peers == '1' else 'white',
                            linestyle=style if len(r) > 2 else 'none', label=f'{backend}, {peers} peer{"s" if peers != "1" else ""}')
        ax.plot([64, 1420], targets[direction], color='black', marker='_', markersize=14, markeredgewidth=2, linestyle='none', label='target')
        size_axis(ax, [64, 128, 256, 512, 1024, 1420])
        ax.set_title(DIRECTION[direction].capitalize())
        ax.set_ylim(0, 1.08)
        ax.axhline(1, color='#999999', linewidth=0.8)
    axes[0].set_ylabel('ratio to the AEAD backend alone')
    axes[1].legend(loc='lower right')
    finish(fig, folder, 'ratio', machine)


def scaling(data, folder, machine):
    """By the number of peers, relative to one; by what a second core does, relative to one core."""
    best = best_backend(data['dataplane'])
    fig, (left, right) = panels(2, f'Scaling with peers, and with a second core ({best})', widths=(1.15, 1))
    for size, colour in ('64', ORANGE), ('1420', BLUE):
        for direction, marker, style in ('seal', 'o', '-'), ('open', 's', '--'):
            r = data['dataplane'].where(backend=best, direction=direction, layout='one', size=size)
            r = Rows(sorted(r, key=lambda x: int(x['peers'])))
            if r:
                # To the raw rate measured beside it, so that a slower moment of the machine is no slope.
                base = float(r[0]['ratio'])
                left.plot(r.values('peers'), [x / base for x in r.values('ratio')], color=colour, marker=marker, linestyle=style,
                          label=f'{size} B, {DIRECTION[direction]}')
    left.set_xscale('log')
    left.xaxis.set_major_formatter(FuncFormatter(count))
    left.axhline(0.9, color='black', linewidth=0.9, linestyle=(0, (1, 2)))
    left.annotate('target up to 1k', (1, 0.9), xycoords=('axes fraction', 'data'), xytext=(-2, 3), textcoords='offset points',
                  fontsize=7.5, ha='right')
    left.set(xlabel='peers', ylabel='share of the raw rate, one peer = 1', title='One core, more peers', ylim=(0, 1.15))
    left.legend(loc='lower left')
    layout_bars(right, data['dataplane'].where(backend=best, peers=1))
    finish(fig, folder, 'scaling', machine)


def best_backend(rows):
    """The one measured with many peers."""
    many = Rows(r for r in rows if int(r['peers']) > 1)
    return (many or rows)[0]['backend']


def layout_bars(ax, rows):
    layouts = [('rx+worker', 'one receives, one works', SKY, ''), ('two', 'both work, one receives, too', BLUE, '')]
    groups = [(s, d) for s in ('64', 'imix', '1420') for d in DIRECTION if rows.where(size=s, direction=d, layout='two')]
    for i, (layout, label, colour, hatch) in enumerate(layouts):
        x, y = [], []
        for g, (size, direction) in enumerate(groups):
            one = rows.where(size=size, direction=direction, layout='one')
            r = rows.where(size=size, direction=direction, layout=layout)
            if one and r:
                x.append(g + 0.4 * i - 0.2)
                y.append(float(r[0]['mpps']) / float(one[0]['mpps']))
        bars = ax.bar(x, y, 0.38, color=colour, label=label)
        ax.bar_label(bars, fmt='%.2f', fontsize=7, padding=1)
    ax.axhline(1.8, color='black', linewidth=0.9, linestyle=(0, (1, 2)))
    ax.annotate('target, two workers', (-0.45, 1.8), xytext=(0, 3), textcoords='offset points', fontsize=7.5)
    ax.set_xticks(range(len(groups)), [f'{"IMIX" if s == "imix" else s + " B"}\n{d}' for s, d in groups], fontsize=8)
    ax.set(ylabel='packets a second, one core = 1', title='Two cores, one flow', ylim=(0, 2.7))
    ax.grid(axis='x', visible=False)
    ax.legend(loc='upper left')


def stages(data, folder, machine):
    """What a packet's cycles are spent on."""
    best = best_backend(data['dataplane'])
    fig, axes = panels(2, f'Cycles a packet by stage, one core ({best})', height=3.4)
    for ax, size in zip(axes, ('64', '1420')):
        rows = [(d, p, r[0]) for p in ('1', '1000') for d in DIRECTION
                if (r := data['dataplane'].where(backend=best, layout='one', size=size, peers=p, direction=d))]
        left = [0.0] * len(rows)
        for stage, (colour, hatch) in STAGES.items():
            width = [float(r[2][stage]) for r in rows]
            ax.barh(range(len(rows)), width, 0.65, left=left, color=colour, hatch=hatch, label=stage, edgecolor='white', linewidth=0.4)
            left = [a + b for a, b in zip(left, width)]
        for y, total in enumerate(left):
            ax.annotate(f'{total:.0f}', (total, y), xytext=(4, 0), textcoords='offset points', va='center', fontsize=8)
        ax.set_yticks(range(len(rows)), [f'{DIRECTION[d]}\n{p} peer{"s" if p != "1" else ""}' for d, p, _ in rows])
        ax.invert_yaxis()
        ax.set(xlabel='TSC cycles a packet', title=f'{size} B', xlim=(0, max(left, default=1) * 1.12))
        ax.grid(axis='y', visible=False)
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc='upper right', ncols=len(labels), columnspacing=1, handlelength=1.2)
    finish(fig, folder, 'stages', machine)


def number(x):
    return f'{x:.0f}' if x >= 100 else f'{x:.3g}'


def pair_bars(ax, rows, labels, title, unit, bare=False):
    """wgdp, wireguard-go and perhaps the cable; above each pair how many times better wgdp is."""
    subjects = [('wgdp', 'wgdp', OURS), ('wireguard_go', 'wireguard-go', THEIRS)] + ([('veth', 'no tunnel', BARE)] if bare else [])
    width = 0.8 / len(subjects)
    for i, (key, label, colour) in enumerate(subjects):
        x = [g + (i - (len(subjects) - 1) / 2) * width for g in range(len(rows))]
        bars = ax.bar(x, [float(r[key] or 0) for r in rows], width * 0.94, color=colour, label=label)
        ax.bar_label(bars, [number(float(r[key])) if r[key] else '' for r in rows], fontsize=6.5, padding=1)
    top = ax.get_ylim()[1]
    ax.set_ylim(0, top * 1.1)
    ax.set_xticks(range(len(rows)), [f'{label}\n{float(r["ratio"]):.1f}×' for label, r in zip(labels, rows)])
    ax.set(title=title, ylabel=unit)
    ax.grid(axis='x', visible=False)


def compare(data, folder, machine):
    rows = {r['what']: r for r in data['compare']}
    names = {'tcp_1': 'TCP\n1 stream', 'tcp_8': 'TCP\n8 streams', 'udp_1420': 'UDP 1420 B\nloss < 1 %', 'udp_1420_flood': 'UDP 1420 B\nflood'}
    have = [n for n in names if n in rows]
    fig, axes = panels(3, 'Two namespaces on one machine: wgdp and wireguard-go', height=4, widths=(2.2, 1.1, 0.8))
    pair_bars(axes[0], [rows[n] for n in have], [names[n] for n in have], 'Throughput', 'Gbit/s', bare=True)
    # The cable's bars would leave no room for the others: they are cut off, with their height written in.
    tunnel = max(float(rows[n][k]) for n in have for k in ('wgdp', 'wireguard_go'))
    top = min(axes[0].get_ylim()[1], tunnel * 1.25)
    axes[0].set_ylim(0, top)
    for text in axes[0].texts:
        text.set_clip_on(True)
    for g, n in enumerate(have):
        if rows[n]['veth'] and float(rows[n]['veth']) > top * 0.96:
            axes[0].text(g + 0.8 / 3, top * 0.98, '↑ ' + number(float(rows[n]['veth'])), rotation=90, ha='center', va='top', color='white',
                         fontsize=7.5)
    fig.legend(*axes[0].get_legend_handles_labels(), loc='upper right', ncols=3, columnspacing=1)
    latency = [rows[n] for n in ('latency_p50', 'latency_p99') if n in rows]
    pair_bars(axes[1], latency, ['median', '99 %'][:len(latency)], 'Request and response', 'µs', bare=True)
    if 'cpu_per_gbyte' in rows:
        pair_bars(axes[2], [rows['cpu_per_gbyte']], ['TCP, 1 stream'], 'CPU time', 'seconds a GByte, both ends')
    finish(fig, folder, 'compare', machine)


def memory(size):
    return f'{size / 1024:.1f} KiB' if size >= 1024 else f'{size:.0f} B'


def allowedips(data, folder, machine):
    known = {'wgdp': (OURS, 'o'), 'rte_lpm': (ORANGE, 's'), 'rte_lpm6': (ORANGE, 's'), 'rte_fib': (GREEN, '^'), 'rte_fib6': (GREEN, '^')}
    fig, axes = panels(2, 'Allowed IPs: nanoseconds a lookup, bursts of 64 random addresses', sharey=True)
    for ax, family in zip(axes, ('ipv4', 'ipv6')):
        rows = data['allowedips'].where(family=family)
        for table in rows.distinct('table'):
            r = Rows(x for x in rows.where(table=table) if x['ns_bulk'] not in ('', 'n/a'))
            if not r:
                continue
            colour, marker = known.get(table, (PINK, 'D'))
            label = f'{table}, {memory(float(r[-1]["bytes_per_prefix"]))} a prefix at {count(float(r[-1]["prefixes"]))}'
            ax.plot(r.values('prefixes'), r.values('ns_bulk'), color=colour, marker=marker, label=label)
        ax.set_xscale('log')
        ax.xaxis.set_major_locator(FixedLocator([1, 1e3, 1e5, 1e6]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(count))
        ax.set(title={'ipv4': 'IPv4', 'ipv6': 'IPv6'}[family], xlabel='prefixes in the table')
        ax.plot([1e5], [50], color='black', marker='_', markersize=16, markeredgewidth=2, linestyle='none', label='target')
        ax.legend(loc='upper left')
    axes[0].set_ylabel('ns a lookup')
    axes[0].set_ylim(bottom=0)
    finish(fig, folder, 'allowedips', machine)


def handshake(data, folder, machine):
    names = {'answer_first': "answered, a\npeer's first", 'answer': 'answered', 'answer_loaded': 'answered under\nload, by cookie',
             'initiate': 'initiated'}
    rows = [r for n in names for r in data['handshake'].where(what=n)]
    fig, (ax, right) = panels(2, 'Handshakes', height=3.6, widths=(2, 1))
    bars = ax.bar(range(len(rows)), [float(r['per_second']) for r in rows], 0.62, color=OURS, label='wgdp')
    for i, r in enumerate(rows):
        ax.plot([i - 0.38, i + 0.38], [float(r['ceiling_per_second'])] * 2, color='black', linewidth=1.8,
                label='' if i else 'its X25519 operations alone')
    ax.bar_label(bars, [f'{float(r["per_second"]):,.0f}\n= {float(r["ratio"]):.2f}' for r in rows], label_type='center', fontsize=8, color='white')
    ax.set_xticks(range(len(rows)), [names[r['what']] for r in rows])
    ax.set(title='One core', ylabel='handshakes a second', ylim=(0, 1.3 * max(float(r['ceiling_per_second']) for r in rows)))
    ax.yaxis.set_major_formatter(FuncFormatter(count))
    ax.legend(loc='upper right', ncols=2)
    again = {'reconnect_1core': '1 core', 'reconnect_2cores': '2 cores'}
    rows = [r for n in again for r in data['handshake'].where(what=n)]
    bars = right.bar(range(len(rows)), [float(r['seconds']) for r in rows], 0.5, color=OURS)
    right.bar_label(bars, fmt='%.2f s', fontsize=8, padding=1)
    right.set_xticks(range(len(rows)), [again[r['what']] for r in rows])
    right.set(title=f'All of {int(rows[0]["peers"]):,} peers reconnect' if rows else 'Reconnecting', ylabel='seconds until the last has a session',
              xlim=(-0.6, len(rows) - 0.4))
    right.margins(y=0.15)
    for a in ax, right:
        a.grid(axis='x', visible=False)
    finish(fig, folder, 'handshake', machine)


WAYS = {'seal': (BLUE, 'o'), 'open': (RED, 's'), 'both': (GREEN, '^'), 'chain': (PINK, 'D')}
WAY_NAMES = {'seal': 'sealing', 'open': 'opening', 'both': 'both at once', 'chain': 'sealing, then opening'}


def pktgen_sizes(ax, rows):
    """Gbit/s by size with one tunnel, or the fewest that there are."""
    fewest = min(rows.distinct('tunnels'), key=int, default='1')
    sizes = set()
    for case, (colour, marker) in WAYS.items():
        r = sizes_first(rows.where(case=case, tunnels=fewest))
        if not r:
            continue
        sizes.update(int(x['size']) for x in r)
        ax.plot(r.values('size'), r.values('full_gbit'), color=colour, linestyle=(0, (4, 2)), linewidth=1.1)
        ax.plot(r.values('size'), r.values('lossless_gbit'), color=colour, marker=marker, label=WAY_NAMES[case])
    if sizes:
        size_axis(ax, sorted(sizes))
        ax.tick_params(axis='x', labelrotation=45)
        ax.legend(loc='upper left')
    ax.set(title=f'By size, {fewest} tunnel{"s" if fewest != "1" else ""}; dashed: full speed', ylabel='Gbit/s without loss', ylim=(0, None))


def pktgen_tunnels(ax, rows):
    """Mpps by the number of tunnels, small packets and a mix."""
    for size, style in ('64', '-'), ('imix', (0, (1, 1.5))):
        for case in 'seal', 'open', 'both':
            r = Rows(sorted(rows.where(case=case, size=size), key=lambda x: int(x['tunnels'])))
            if r:
                colour, marker = WAYS[case]
                ax.plot(r.values('tunnels'), [x / 1e6 for x in r.values('lossless_pps')], color=colour, marker=marker, linestyle=style,
                        label=f'{"IMIX" if size == "imix" else size + " B"}, {WAY_NAMES[case]}')
    ax.set_xscale('log')
    ax.xaxis.set_major_formatter(FuncFormatter(count))
    ax.set(title='By tunnels', xlabel='tunnels', ylabel='Mpps without loss', ylim=(0, None))
    if ax.lines:
        ax.legend(loc='best', fontsize=7)


def pktgen_latency(ax, rows):
    """Median to 99 % at three loads, small packets."""
    fewest = min(rows.distinct('tunnels'), key=int, default='1')
    size = '64' if rows.where(size='64') else rows.distinct('size')[0]
    labels = []
    for case in 'seal', 'open', 'both', 'chain':
        for r in rows.where(case=case, tunnels=fewest, size=size):
            for load in '10', '50', '90':
                if not r[f'latency{load}_p50']:
                    continue
                x = len(labels)
                low, high, least = (float(r[f'latency{load}_{q}']) for q in ('p50', 'p99', 'min'))
                ax.plot([x, x], [least, high], color=WAYS[case][0], linewidth=5, solid_capstyle='butt', alpha=0.35)
                ax.plot([x], [low], color=WAYS[case][0], marker='_', markersize=12, markeredgewidth=2.5)
                labels.append(f'{load} %\n{case}' if load == '50' else f'{load} %')
    ax.set_yscale('log')
    ax.yaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:g}'))
    ax.set_xticks(range(len(labels)), labels, fontsize=7.5)
    ax.set(title=f'Latency at shares of that rate, {size} B', ylabel='µs: least to 99 %, median')
    ax.grid(axis='x', visible=False)


def pktgen_testpmd(ax, testpmd):
    """Full speed as two generators see it, one straight after the other."""
    sizes = testpmd.distinct('size')
    tunnels = testpmd.distinct('tunnels')
    size = '64' if '64' in sizes else sizes[0] if sizes else '64'
    for i, (key, label, colour) in enumerate((('beside_pps', "bench's own", OURS), ('full_pps', 'dpdk-testpmd', THEIRS))):
        values = [float(testpmd.where(size=size, tunnels=n)[0][key]) / 1e6 for n in tunnels if testpmd.where(size=size, tunnels=n)]
        bars = ax.bar([x + 0.4 * i - 0.2 for x in range(len(values))], values, 0.38, color=colour, label=label)
        ax.bar_label(bars, fmt='%.2f', fontsize=7, padding=1)
    ax.set_xticks(range(len(tunnels)), tunnels)
    ax.set(title=f'Sealing at full speed by two generators, {size} B', xlabel='tunnels', ylabel='Mpps')
    ax.margins(y=0.2)
    ax.grid(axis='x', visible=False)
    if sizes:
        ax.legend(loc='upper right', ncols=2)


def pktgen(data, folder, machine):
    rows, testpmd = data['pktgen'].where(generator='wgdp'), data['pktgen'].where(generator='testpmd')
    r = data['pktgen'][0]
    fig, axes = plt.subplots(2, 2, figsize=(9, 7.2), layout='constrained')
    fig.get_layout_engine().set(rect=(0, 0.03, 1, 0.965), w_pad=0.08, h_pad=0.08)
    fig.suptitle(f'wgdp between two memif ports: RX on CPU {r["rx_cores"]}, workers on {r["worker_cores"]}', x=0.01, ha='left', fontsize=12,
                 fontweight='bold')
    tunnels = Rows(x for x in rows if x['case'] != 'bare')
    if tunnels:
        pktgen_sizes(axes[0][0], tunnels)
        pktgen_tunnels(axes[0][1], tunnels)
        pktgen_latency(axes[1][0], tunnels)
    pktgen_testpmd(axes[1][1], testpmd)
    for ax in axes.flat:
        if not (ax.lines or ax.patches):
            ax.set_visible(False)
    cpu, _, cores = r['machine'].rpartition(', ')
    finish(fig, folder, 'pktgen', {'cpu model': cpu, 'cores': cores.replace(' CPUs', ''), 'kernel': r['kernel'], 'DPDK': r['dpdk'],
                                   'commit': r['commit'].rstrip('+'), 'tree': 'changed' if r['commit'].endswith('+') else '', 'date': r['date']})


PLOTS = [('dataplane', throughput), ('dataplane', ratio), ('dataplane', scaling), ('dataplane', stages), ('compare', compare),
         ('allowedips', allowedips), ('handshake', handshake), ('pktgen', pktgen)]


def main():
    args, only = sys.argv[1:], None
    if args[:1] == ['--only'] and len(args) > 1:
        only, args = args[1], args[2:]
    if len(args) > 1 or args[:1] == ['--help'] or (only and only not in [need for need, _ in PLOTS]):
        sys.exit('usage: plot.py [--only NAME] [FOLDER]')
    folder = pathlib.Path(args[0] if args else pathlib.Path(__file__).parent / 'results')
    names = dict.fromkeys(['aead'] + [need for need, _ in PLOTS])
    data = {n: read(folder / f'{n}.csv') for n in names if (folder / f'{n}.csv').exists()}
    machine = {r['key']: r['value'] for r in read(folder / 'machine.csv')} if (folder / 'machine.csv').exists() else {}
    for need, draw in PLOTS:
        if only and need != only:
            continue
        if data.get(need):
            draw(data, folder, machine)
        else:
            print(f'plot.py: {draw.__name__}: no {folder / need}.csv', file=sys.stderr)


if __name__ == '__main__':
    main()
