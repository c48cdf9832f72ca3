# SPDX-License-Identifier: BSD-3-Clause
"""metrics.py get URL [ACCEPT]           the page, on stdout; its Content-Type on stderr
metrics.py value URL SAMPLE              the value of the first sample that begins so
metrics.py dashboard PROMETHEUS FILE     asks Prometheus each query of a Grafana dashboard: each must have data
"""
import json
import sys
import time
import urllib.parse
import urllib.request

RATE_INTERVAL = "10s"


def get(url, accept=None):
    request = urllib.request.Request(url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request, timeout=100) as answer:
        return answer.read().decode("utf-8"), answer.headers["Content-Type"]


def value(url, sample):
    for line in get(url)[0].splitlines():
        if line.startswith(sample):
            return line.rsplit(" ", 1)[1]
    raise SystemExit(f"no {sample} in {url}")


def query(prometheus, expr):
    answer = json.loads(get(f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expr}))[0])
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def overlap(a, b):
    return (a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"])


def check_form(d):
    """What Grafana needs of a dashboard to show it."""
    assert d["title"] and d["uid"] and d["schemaVersion"] >= 36
    variables = {v["name"]: v for v in d["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource" and variables["datasource"]["query"] == "prometheus"
    assert variables["interface"]["query"]["query"] == "label_values(wgdp_interface_up, interface)"
    assert len({p["id"] for p in d["panels"]}) == len(d["panels"])
    for n, p in enumerate(d["panels"]):
        assert p["type"] in ("timeseries", "stat") and p["title"] and p["targets"], p
        assert p["gridPos"]["x"] + p["gridPos"]["w"] <= 24
        assert not any(overlap(p["gridPos"], q["gridPos"]) for q in d["panels"][:n]), p["title"]
        for t in p["targets"]:
            assert t["datasource"] == {"type": "prometheus", "uid": "${datasource}"} and 'interface=~"$interface"' in t["expr"], t
        assert len({t["refId"] for t in p["targets"]}) == len(p["targets"])


def check_legends(target, result):
    """Legends name labels that are there."""
    for part in target["legendFormat"].split("{{")[1:]:
        label = part.split("}}")[0]
        assert all(label in r["metric"] for r in result), (target, result[0]["metric"])


def dashboard(prometheus, path):
    with open(path, encoding="utf-8") as f:
        d = json.load(f)
    check_form(d)
    targets = [t for p in d["panels"] for t in p["targets"]]
    for t in targets:
        expr = t["expr"].replace("$__rate_interval", RATE_INTERVAL).replace("$interface", ".*")
        assert "$" not in expr, expr
        end = time.monotonic() + 30
        while not (result := query(prometheus, expr)):
            if time.monotonic() > end:
                raise SystemExit(f"no data: {expr}")
            time.sleep(0.5)
        check_legends(t, result)
    print(f"{len(targets)} queries of {len(d['panels'])} panels have data")


if sys.argv[1] == "get":
    page, kind = get(*sys.argv[2:])
    sys.stdout.write(page)
    print(kind, file=sys.stderr)
elif sys.argv[1] == "value":
    print(value(sys.argv[2], sys.argv[3]))
else:
    dashboard(sys.argv[2], sys.argv[3])
