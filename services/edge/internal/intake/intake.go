// Package intake is what becomes of a request's events, whatever endpoint they came in by: whose are they, may they come now, is each of them right,
// and where are they stored.
package intake

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge/internal/quota"
	"github.com/waymark-events/waymark/services/edge/internal/seldom"
)

var (
	// ErrFull means that the spool holds as much as it may.
	ErrFull = errors.New("the spool is full")
	// ErrDisk means that the disk did not take the records; what it said is wrapped too.
	ErrDisk = errors.New("the spool's disk fails")
)

// A Sender writes records to a topic. nil means that every one is durable; a *kafka.TooLarge that every one is but those it names, which
// can never be; after any other error any of them may be. ErrFull and ErrDisk say why a spool did not take them.
type Sender interface {
	SendEach(ctx context.Context, topic string, records []event.Record) error
}

// Limits of an event, in bytes and in nesting; AccountRate is how many events a second an account may send that the accounts file gives no rate,
// ClientRequests and ClientEvents how many requests and events a second may come from one client address. 0 is any number.
type Limits struct{ EventBytes, Depth, AccountRate, ClientRequests, ClientEvents int }

// Dependencies are what an intake works with.
type Dependencies struct {
	Accounts *account.Store
	// Regions served, by name.
	Regions  map[string]Sender
	Log      *zap.Logger
	Registry prometheus.Registerer
	// Quotas has what was counted of monthly quotas; nil begins at nothing.
	Quotas *quota.Ledger
}

// An Intake is safe for concurrent use.
type Intake struct {
	Dependencies
	limits  Limits
	metrics *metrics
	passing *limits
	told    seldom.Counter
}

// New makes an intake.
func New(d Dependencies, limits Limits) (*Intake, error) {
	m, err := newMetrics(d.Registry)
	if err != nil {
		return nil, err
	}
	if d.Quotas == nil {
		d.Quotas = quota.Open("", d.Log)
	}
	return &Intake{Dependencies: d, limits: limits, metrics: m, passing: newLimits(d.Quotas)}, nil
}

// Store writes the records that Check has made, and puts into results what can never be stored. nil means that all others are durable.
func (i *Intake) Store(ctx context.Context, owner *account.Grant, checked *Checked) *Refusal {
	results, records := checked.Results, checked.Records
	if stored := len(records); stored > 0 {
		err := i.Regions[owner.Region].SendEach(ctx, schemas.RawTopic(owner.Region), records)
		var tooLarge *kafka.TooLarge
		switch {
		case errors.As(err, &tooLarge):
			stored -= len(tooLarge.Records)
			i.rejectTooLarge(owner.Account, results, tooLarge)
		case err != nil:
			return i.notStored(owner.Account, len(records), err)
		}
		i.count(owner, stored, time.Now())
	}
	i.metrics.checked(owner.Region, results)
	return nil
}

// rejectTooLarge answers for events that Kafka will never take. They are within limits.event_bytes, so it is the topic's own limit that
// is too low: an operator should know.
func (i *Intake) rejectTooLarge(owner *account.Account, results []Result, why *kafka.TooLarge) {
	for n := range results {
		if results[n].Status != Rejected && slices.Contains(why.Records, results[n].record) {
			results[n] = reject(event.Reject(event.ReasonTooLarge, errors.New("the event is larger than its region's Kafka takes: it cannot be stored")))
		}
	}
	if n, now := i.told.Add(owner.Region+" too large", len(why.Records), time.Now()); now {
		i.Log.Warn("events are larger than the raw topic takes, though not than limits.event_bytes: look at the topic's max.message.bytes",
			zap.String("region", owner.Region), zap.String("topic", why.Topic), zap.Int("events", n))
	}
}

// notStored answers a failed SendEach.
func (i *Intake) notStored(owner *account.Account, events int, err error) *Refusal {
	reason := "kafka"
	switch {
	case errors.Is(err, ErrFull):
		reason = "spool_full"
	case errors.Is(err, ErrDisk):
		reason = "spool_disk"
	case errors.Is(err, kafka.ErrBufferFull):
		reason = "buffer_full"
	case errors.Is(err, context.Canceled):
		reason = "client_gone"
	}
	i.metrics.notStored.WithLabelValues(owner.Region, reason).Add(float64(events))
	if reason != "client_gone" {
		if n, now := i.told.Add(owner.Region+" "+reason, events, time.Now()); now {
			i.Log.Error("events could not be written; the client is told to send them again",
				zap.String("region", owner.Region), zap.Int("events", n), zap.String("reason", reason), zap.Error(err))
		}
	}
	return Refuse(http.StatusServiceUnavailable, "unavailable", "the events could not be stored now: send them again with the same ids").After(5 * time.Second)
}
