// Package sample holds the user agents that are most frequent among real browsers, for generated traffic and benchmarks.
package sample

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// An Agent is a user agent and its share of the traffic, between 0 and 1.
type Agent struct {
	UA     string
	Weight float64
}

//go:embed browsers.tsv.gz
var list []byte

// Weighted returns some 300 user agents, most frequent first; their weights add up to less than 1. The list is from the
// npm package user-agents (see ../NOTICE). Callers share it and must not change it.
var Weighted = sync.OnceValues(func() ([]Agent, error) {
	z, err := gzip.NewReader(bytes.NewReader(list))
	if err != nil {
		return nil, fmt.Errorf("open the list of browsers: %w", err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("decompress the list of browsers: %w", err)
	}
	var out []Agent
	for line := range strings.Lines(string(text)) {
		weight, ua, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		w, err := strconv.ParseFloat(weight, 64)
		if err != nil {
			return nil, fmt.Errorf("read a browser's weight: %w", err)
		}
		out = append(out, Agent{ua, w})
	}
	return out, nil
})
