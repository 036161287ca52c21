// The work of ../../scrape/Main.swift with Rust's prometheus crate (Debian's librust-prometheus-dev), text format.
//
// SPDX-License-Identifier: Apache-2.0
use prometheus::{Encoder, IntCounterVec, Opts, Registry, TextEncoder};

fn cpu_us() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 * 1e6 + time.tv_nsec as f64 / 1e3
}

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let (series, scrapes) = (arguments[0], arguments[1]);
    let registry = Registry::new();
    let options = Opts::new("bench_requests_total", "Requests by path and code.");
    let family = IntCounterVec::new(options, &["path", "code"]).unwrap();
    registry.register(Box::new(family.clone())).unwrap();
    let counters: Vec<_> = (0..series)
        .map(|i| family.with_label_values(&[&format!("/api/v1/resource/{}", i / 10), &(200 + i % 10).to_string()]))
        .collect();
    for (i, counter) in counters.iter().enumerate() {
        counter.inc_by(i as u64 * 7 + 1);
    }
    let mut text = Vec::new();
    let begin = cpu_us();
    for scrape in 0..scrapes {
        for step in 0..std::cmp::max(1, series / 100) {
            counters[(step * 7919 + scrape * 104729) % series].inc();
        }
        text.clear();
        TextEncoder::new().encode(&registry.gather(), &mut text).unwrap();
    }
    println!("series {} cpu_us_per_scrape {} bytes {}", series, (cpu_us() - begin) / scrapes as f64, text.len());
}
