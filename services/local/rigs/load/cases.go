package load

import (
	"fmt"
	"os"
	"regexp"
)

// Kinds of cases.
const (
	// drain runs one stage after the other, each finding the topics filled by the one before it.
	drain = "drain"
	// trickle sends at a rate through everything, and measures freshness.
	trickle = "trickle"
	// flat sends through everything as fast as the edge takes it.
	flat = "flat"
	// day sends a day's curve through everything, an hour in a 24th of twice SECONDS.
	day = "day"
	// loaders stores the same topic by the sink and by ClickHouse's own Kafka engine.
	loaders = "loaders"
	// peer stores the same topic by the sink and by clickhouse_sinker, where there is one.
	peer = "peer"
)

// A Case is an arrangement that is measured on engines of its own.
type Case struct {
	Kind string
	// Rate is events/s; of a day their mean; 0 for what goes as fast as it can.
	Rate              int
	Partitions, Sinks int
}

// Name is what CASES selects by: trickle-2000/p16/s1.
func (c Case) Name() string {
	kind := c.Kind
	if c.Rate > 0 {
		kind = fmt.Sprint(kind, "-", c.Rate)
	}
	return fmt.Sprintf("%s/p%d/s%d", kind, c.Partitions, c.Sinks)
}

// all is every case: a third of an hour.
func all() (out []Case) {
	widths, sinks := []int{4, 16, 64}, []int{1, 4}
	for _, p := range widths {
		for _, s := range sinks {
			out = append(out, Case{drain, 0, p, s})
		}
	}
	for _, rate := range []int{2_000, 10_000} {
		for _, p := range widths {
			for _, s := range sinks {
				out = append(out, Case{trickle, rate, p, s})
			}
		}
	}
	out = append(out, Case{flat, 0, 16, 1}, Case{day, dayRate, 16, 1}, Case{loaders, 0, 16, 1})
	if os.Getenv(sinkerProgram) != "" {
		out = append(out, Case{peer, 0, 16, 1})
	}
	return out
}

// dayRate is the mean of a day in miniature, events/s; at noon there are five thirds of it.
const dayRate = 3_000

// usual selects what is measured when nobody asks for certain cases: half of the time of all.
const usual = `^(drain/p16/s1|trickle-2000/p16/s1|trickle-10000/p(4|16|64)/s1|flat/.*|loaders/.*)$`

// Cases are those that a regular expression selects by their names: the usual ones without one, "all" all.
func Cases(pattern string) (out []Case, err error) {
	switch pattern {
	case "":
		pattern = usual
	case "all":
		pattern = ""
	}
	selects, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("cases: %w", err)
	}
	for _, c := range all() {
		if selects.MatchString(c.Name()) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no case is called %s; there is, among others, %s", pattern, all()[0].Name())
	}
	return out, nil
}
