# The work of ../scrape/Main.swift with Prometheus' own Python client (PyPI's prometheus_client), text format.
#
# SPDX-License-Identifier: Apache-2.0
import sys
import time

from prometheus_client import CollectorRegistry, Counter, generate_latest

series, scrapes = int(sys.argv[1]), int(sys.argv[2])
registry = CollectorRegistry()
family = Counter("bench_requests_total", "Requests by path and code.", ["path", "code"], registry=registry)
counters = [family.labels(f"/api/v1/resource/{i // 10}", str(200 + i % 10)) for i in range(series)]
for index, counter in enumerate(counters):
    counter.inc(index * 7 + 1)
text = generate_latest(registry)
begin = time.process_time()
for scrape in range(scrapes):
    for step in range(max(1, series // 100)):
        counters[(step * 7919 + scrape * 104729) % series].inc()
    text = generate_latest(registry)
print(f"series {series} cpu_us_per_scrape {(time.process_time() - begin) * 1e6 / scrapes} bytes {len(text)}")
