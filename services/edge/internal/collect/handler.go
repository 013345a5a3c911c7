// Package collect is the edge's HTTP handler: from a request's bytes to records on Kafka and an answer.
package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
	"github.com/waymark-events/waymark/schemas"
	"github.com/waymark-events/waymark/services/edge/internal/spool"
)

// Limits of what is taken; see the edge's settings.
type Limits struct {
	EventBytes, BatchEvents, Depth, AccountRate int
	BodyBytes, DecodedBytes, InFlightBytes      int64
	// PeerBytes is one client's share of InFlightBytes; 0 is all of it.
	PeerBytes int64
	// AnonymousRequests, of together AnonymousBytes, may be arriving at once without a known write key in their header; 0 is no limit.
	AnonymousRequests int
	AnonymousBytes    int64
	// BodyRate is the least rate of a body's arrival, in bytes a second from BodyGrace on; 0 is no limit. ReadTimeout bounds it whole.
	BodyRate               int64
	BodyGrace, ReadTimeout time.Duration
}

// A Sender writes records to a topic. nil means that every one is durable; a *kafka.TooLarge that every one is but those it names, which
// can never be; after any other error any of them may be.
type Sender interface {
	SendEach(ctx context.Context, topic string, records []event.Record) error
}

// Dependencies are what the handler works with.
type Dependencies struct {
	Accounts *account.Store
	ClientIP *clientip.Resolver
	// Regions served, by name.
	Regions  map[string]Sender
	Log      *zap.Logger
	Registry prometheus.Registerer
}

// A Handler serves /v1/events.
type Handler struct {
	Dependencies
	limits       Limits
	origins      []string
	metrics      *metrics
	rates        *rates
	budget       *budget
	light, heavy slots
	zstd         *zstd.Decoder
	told         seldom
}

// New makes a handler.
func New(d Dependencies, limits Limits, origins []string) (*Handler, error) {
	m, err := newMetrics(d.Registry)
	if err != nil {
		return nil, err
	}
	decoder, err := newZstd()
	if err != nil {
		return nil, err
	}
	return &Handler{
		Dependencies: d, limits: limits, origins: origins, metrics: m, rates: newRates(limits.AccountRate),
		budget: newBudget(limits, m.inFlight), light: lightSlots(), heavy: heavySlots(limits), zstd: decoder,
	}, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	defer h.recover(w, started)
	code := http.StatusOK
	results, refused := h.collect(w, r)
	if refused != nil {
		code = refused.status
		refused.write(w)
	} else {
		writeResults(w, results)
	}
	h.metrics.answered(code, time.Since(started))
}

// recover answers for a request whose handling broke down: a bug, whose place is logged and nothing of what was sent. The value of a
// panic may hold that, so it is only told where it comes from Go's runtime.
func (h *Handler) recover(w http.ResponseWriter, started time.Time) {
	broke := recover()
	switch broke {
	case nil:
		return
	case http.ErrAbortHandler: // what net/http knows
		panic(broke)
	}
	h.metrics.panics.Inc()
	what := fmt.Sprintf("%T", broke)
	if err, ours := broke.(runtime.Error); ours {
		what = err.Error()
	}
	h.Log.Error("the handling of a request broke down: this is a bug", zap.String("panic", what), zap.ByteString("stack", debug.Stack()))
	refused := refuse(http.StatusInternalServerError, "internal", "the request broke the edge's handling of it, and may be stored in part: send the same once more, with the same ids")
	refused.close = true
	refused.write(w)
	h.metrics.answered(refused.status, time.Since(started))
}

// collect does the work: who is it, what do they send, is it right, store it.
func (h *Handler) collect(w http.ResponseWriter, r *http.Request) ([]result, *refusal) {
	notAllowed := h.letBrowsers(w, r)
	switch {
	case !isCollector(r.URL.Path):
		return nil, refuse(http.StatusNotFound, "not_found", "events go to POST /v1/events")
	case notAllowed != nil:
		return nil, notAllowed
	case r.Method == http.MethodOptions:
		return nil, &refusal{status: http.StatusNoContent}
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "POST, OPTIONS")
		return nil, refuse(http.StatusMethodNotAllowed, "method_not_allowed", "events go to POST /v1/events")
	}
	received := time.Now()

	// A key in the header can be refused before the body is read.
	var owner *account.Account
	if key := keyFromHeader(r); key != "" {
		var refused *refusal
		if owner, refused = h.authenticate(key); refused != nil {
			return nil, refused
		}
	}
	client := h.ClientIP.ClientIP(r.RemoteAddr, r.Header)
	held, err := h.budget.enter(client, owner == nil)
	if err != nil {
		return nil, h.busy(err)
	}
	defer held.leave()
	b, refused := h.readBody(w, r, held)
	if refused != nil {
		return nil, refused
	}
	defer b.release()
	sent, refused := h.split(b.bytes, r.Header.Get("Content-Type"))
	if refused != nil {
		return nil, refused
	}
	if owner == nil {
		if owner, refused = h.authenticate(sent.key); refused != nil {
			return nil, refused
		}
	}
	if wait := h.rates.take(owner.ID, len(sent.events), received); wait > 0 {
		return nil, refuse(http.StatusTooManyRequests, "rate_limited", "the account sends more events a second than it may").after(wait)
	}

	request := h.describe(r, owner, received, sent.sentAt)
	results, records := h.check(sent.events, request)
	b.worked()
	if len(records) > 0 {
		// On its way to Kafka or to the spool there is a copy of it.
		if err := held.take(sizeOf(records)); err != nil {
			return nil, h.busy(err)
		}
		err := h.Regions[owner.Region].SendEach(r.Context(), schemas.RawTopic(owner.Region), records)
		var tooLarge *kafka.TooLarge
		switch {
		case errors.As(err, &tooLarge):
			h.rejectTooLarge(owner, results, tooLarge)
		case err != nil:
			return nil, h.notStored(owner, len(records), err)
		}
	}
	h.metrics.checked(owner.Region, results)
	return results, nil
}

// authenticate finds the account of a write key, and refuses those of regions that are not served here.
func (h *Handler) authenticate(key string) (*account.Account, *refusal) {
	if key == "" {
		return nil, refuse(http.StatusUnauthorized, "no_write_key", "send the write key as Basic user, Bearer token, X-Write-Key, or the body's key")
	}
	owner := h.Accounts.Directory().ByKey(key)
	if owner == nil {
		return nil, refuse(http.StatusUnauthorized, "unknown_write_key", "the write key is not known")
	}
	if h.Regions[owner.Region] == nil {
		return nil, refuse(http.StatusMisdirectedRequest, "wrong_region", "the account's region is "+owner.Region+": send its events to that region's edge")
	}
	return owner, nil
}

// sizeOf is what records take, in bytes.
func sizeOf(records []event.Record) (n int64) {
	for i := range records {
		n += int64(records[i].Size())
	}
	return n
}

// tellBusy logs that requests are refused for want of room. Whoever reads it should know whether many are here or one asks for much.
func (h *Handler) tellBusy(reason string) {
	if n, now := h.told.add("busy "+reason, 1, time.Now()); now {
		h.Log.Warn("requests find no room and are told to come again", zap.String("reason", reason), zap.Int("requests", n))
	}
}

// rejectTooLarge answers for events that Kafka will never take. They are within limits.event_bytes, so it is the topic's own limit that
// is too low: an operator should know.
func (h *Handler) rejectTooLarge(owner *account.Account, results []result, why *kafka.TooLarge) {
	for i := range results {
		if results[i].Status == accepted && slices.Contains(why.Records, results[i].record) {
			results[i] = reject(event.Reject(event.ReasonTooLarge, errors.New("the event is larger than its region's Kafka takes: it cannot be stored")))
		}
	}
	if n, now := h.told.add(owner.Region+" too large", len(why.Records), time.Now()); now {
		h.Log.Warn("events are larger than the raw topic takes, though not than limits.event_bytes: look at the topic's max.message.bytes",
			zap.String("region", owner.Region), zap.String("topic", why.Topic), zap.Int("events", n))
	}
}

// notStored answers a failed SendEach.
func (h *Handler) notStored(owner *account.Account, events int, err error) *refusal {
	reason := "kafka"
	switch {
	case errors.Is(err, spool.ErrFull):
		reason = "spool_full"
	case errors.Is(err, spool.ErrDisk):
		reason = "spool_disk"
	case errors.Is(err, kafka.ErrBufferFull):
		reason = "buffer_full"
	case errors.Is(err, context.Canceled):
		reason = "client_gone"
	}
	h.metrics.notStored.WithLabelValues(owner.Region, reason).Add(float64(events))
	if reason != "client_gone" {
		if n, now := h.told.add(owner.Region+" "+reason, events, time.Now()); now {
			h.Log.Error("events could not be written; the client is told to send them again",
				zap.String("region", owner.Region), zap.Int("events", n), zap.String("reason", reason), zap.Error(err))
		}
	}
	return refuse(http.StatusServiceUnavailable, "unavailable", "the events could not be stored now: send them again with the same ids").after(5 * time.Second)
}
