// The work of ../scrape/Main.swift with Prometheus' own Go client (Debian's client_golang), text format, no compression.
//
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

func cpu() float64 {
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	us := func(t syscall.Timeval) float64 { return float64(t.Sec)*1e6 + float64(t.Usec) }
	return us(usage.Utime) + us(usage.Stime)
}

func main() {
	series, _ := strconv.Atoi(os.Args[1])
	scrapes, _ := strconv.Atoi(os.Args[2])
	registry := prometheus.NewRegistry()
	family := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "bench_requests_total", Help: "Requests by path and code."}, []string{"path", "code"})
	registry.MustRegister(family)
	counters := make([]prometheus.Counter, series)
	for i := range counters {
		counters[i] = family.WithLabelValues(fmt.Sprintf("/api/v1/resource/%d", i/10), strconv.Itoa(200+i%10))
		counters[i].Add(float64(i*7 + 1))
	}
	var out bytes.Buffer
	scrape := func() {
		out.Reset()
		families, err := registry.Gather()
		if err != nil {
			panic(err)
		}
		encoder := expfmt.NewEncoder(&out, expfmt.FmtText)
		for _, f := range families {
			if err := encoder.Encode(f); err != nil {
				panic(err)
			}
		}
	}
	scrape()
	moved := series / 100
	if moved == 0 {
		moved = 1
	}
	begin := cpu()
	for s := 0; s < scrapes; s++ {
		for step := 0; step < moved; step++ {
			counters[(step*7919+s*104729)%series].Inc()
		}
		scrape()
	}
	fmt.Printf("series %d cpu_us_per_scrape %f bytes %d\n", series, (cpu()-begin)/float64(scrapes), out.Len())
}
