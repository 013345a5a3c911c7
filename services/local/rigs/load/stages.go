package load

import (
	"context"
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// A Measurement is what one case came to.
type Measurement struct {
	Case string
	// Load is the machine's load average of the last minute, before.
	Load   string
	Stages []Stage
	// Requests is how many the events came in, Events how many they were.
	Requests, Events int64
	// Disk is of all Events, at rest.
	Disk      Disk
	Freshness *Freshness `json:",omitempty"`
}

// run measures one case. events is how many are sent as fast as possible, seconds how long those of a rate go on.
func (c Case) run(ctx context.Context, cfg Config, events, seconds int) (m Measurement, err error) {
	m = Measurement{Case: c.Name(), Load: loadAverage()}
	cfg.Partitions, cfg.Sinks, cfg.Events = c.Partitions, c.Sinks, events
	if c.Rate > 0 {
		cfg.Events = c.Rate * seconds
	}
	if c.Kind == day {
		cfg.Events *= 2
	}
	err = withEngines(ctx, cfg, func(r *rig) (err error) {
		if r.tables, err = r.database(cfg.Regions[0]); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, r.tables.Close()) }()
		switch c.Kind {
		case drain:
			return r.drain(ctx, &m)
		case loaders:
			return r.loaders(ctx, &m)
		case peer:
			return r.peer(ctx, &m)
		}
		return r.together(ctx, c, &m)
	})
	if err != nil {
		return m, fmt.Errorf("%s: %w", m.Case, err)
	}
	return m, nil
}

// drain runs edge, enrichers and sinks in turn.
func (r *rig) drain(ctx context.Context, m *Measurement) error {
	enrichers, err := r.startup(ctx, r.enrichers)
	if err != nil {
		return err
	}
	sinks, err := r.startup(ctx, r.sinks)
	if err != nil {
		return err
	}
	if err := r.fill(ctx, m); err != nil {
		return err
	}
	for _, next := range []struct {
		name  string
		start func(context.Context) ([]*child.Process, error)
		done  func(context.Context) error
		empty Stage
	}{{"enricher", r.enrichers, r.enriched, enrichers}, {"sink", r.sinks, r.settle, sinks}} {
		s, err := r.stage(ctx, next.name, func() (int, error) {
			if _, err := next.start(ctx); err != nil {
				return 0, err
			}
			return int(m.Events), next.done(ctx)
		})
		if err != nil {
			return err
		}
		m.Stages = append(m.Stages, s.without(next.empty, next.name))
	}
	if m.Disk, err = r.disk(ctx); err != nil {
		return err
	}
	return r.check(ctx, m.Events)
}

// fill sends cfg.Events to an edge that it starts, as the stage "edge".
func (r *rig) fill(ctx context.Context, m *Measurement) error {
	if _, err := r.edge(ctx); err != nil {
		return err
	}
	return r.send(ctx, m, "edge", 0, false, nil)
}

// startup starts a stage's processes on empty topics and stops them again: what their start takes. A stage that finds work begins
// it before anybody could look.
func (r *rig) startup(ctx context.Context, start func(context.Context) ([]*child.Process, error)) (Stage, error) {
	keep := len(r.running)
	s, err := r.stage(ctx, "start", func() (int, error) {
		_, err := start(ctx)
		return 0, err
	})
	return s, errors.Join(err, r.stopTo(keep))
}

// together runs all services and sends through all of them; then, where there is a rate, it goes on for a moment with markers among the events.
func (r *rig) together(ctx context.Context, c Case, m *Measurement) error {
	if _, _, err := r.everything(ctx); err != nil {
		return err
	}
	if err := r.send(ctx, m, "whole path", float64(c.Rate), c.Kind == day, r.settle); err != nil {
		return err
	}
	var err error
	if m.Disk, err = r.disk(ctx); err != nil {
		return err
	}
	if err := r.check(ctx, m.Events); err != nil || c.Rate == 0 || c.Kind == day {
		return err
	}
	m.Freshness, err = r.freshness(ctx, c.Rate, m.Events)
	return err
}

// send sends cfg.Events, waits until they are done, and appends the stage.
func (r *rig) send(ctx context.Context, m *Measurement, name string, rate float64, day bool, done func(context.Context) error) error {
	from, err := r.sender(ctx, r.cfg.Events, rate, day)
	if err != nil {
		return err
	}
	var sent Sent
	s, err := r.stage(ctx, name, func() (int, error) {
		var err error
		if sent, err = from.send(); err == nil && done != nil {
			err = done(ctx)
		}
		return int(sent.Accepted), err
	})
	if err != nil {
		return err
	}
	s.Costs["sender"] = sent.Cost
	m.Stages = append(m.Stages, s)
	m.Requests, m.Events = sent.Requests, sent.Accepted
	return nil
}
