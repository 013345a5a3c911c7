// Package collect is the edge's HTTP handler: from a request's bytes to its events, which the intake stores, and to an answer. A file has an
// endpoint (events.go); the others are what all endpoints share.
package collect

import (
	"fmt"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/clientip"
	"github.com/waymark-events/waymark/services/edge/internal/intake"
	"github.com/waymark-events/waymark/services/edge/internal/seldom"
)

// Limits of what is taken; see the edge's settings.
type Limits struct {
	intake.Limits
	BatchEvents                            int
	BodyBytes, DecodedBytes, InFlightBytes int64
	// PeerBytes is one client's share of InFlightBytes; 0 is all of it.
	PeerBytes int64
	// AnonymousRequests, of together AnonymousBytes, may be arriving at once without a known write key in their header; 0 is no limit.
	AnonymousRequests int
	AnonymousBytes    int64
	// BodyRate is the least rate of a body's arrival, in bytes a second from BodyGrace on; 0 is no limit. ReadTimeout bounds it whole.
	BodyRate               int64
	BodyGrace, ReadTimeout time.Duration
}

// Dependencies are what the handler works with.
type Dependencies struct {
	intake.Dependencies
	ClientIP *clientip.Resolver
}

// A Handler serves every endpoint.
type Handler struct {
	intake            *intake.Intake
	clientIP          *clientip.Resolver
	log               *zap.Logger
	limits            Limits
	origins           []string
	metrics           *metrics
	budget            *budget
	light, try, heavy *turns
	zstd              *zstd.Decoder
	told              seldom.Counter
}

// New makes a handler.
func New(d Dependencies, limits Limits, origins []string) (*Handler, error) {
	m, err := newMetrics(d.Registry)
	if err != nil {
		return nil, err
	}
	in, err := intake.New(d.Dependencies, limits.Limits)
	if err != nil {
		return nil, err
	}
	decoder, err := newZstd()
	if err != nil {
		return nil, err
	}
	return &Handler{
		intake: in, clientIP: d.ClientIP, log: d.Log, limits: limits, origins: origins, metrics: m,
		budget: newBudget(limits, m.inFlight), light: lightTurns(), try: tryTurns(), heavy: heavyTurns(limits), zstd: decoder,
	}, nil
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	at, refuse := plainPaths[r.URL.Path], write
	var parts []string
	var asked *lookup
	if at == nil {
		parts = partsOf(r.URL.Path)
		at, asked = endpoints["/"+strings.Join(parts, "/")], lookupOf(parts)
	}
	if at != nil {
		refuse = at.refuse
	}
	defer h.recover(w, started, refuse)
	protect(w.Header())
	turn := &turn{client: peerOf(h.clientIP.ClientIP(r.RemoteAddr, r.Header))}
	defer turn.give()
	var refused *intake.Refusal
	if err := turn.take(r.Context(), h.light); err != nil {
		refused = h.unread(err)
	} else if asked != nil {
		refused = h.look(asked, w, r, parts)
	} else {
		refused = h.take(w, r, at, turn)
	}
	code := http.StatusOK
	if refused != nil {
		code = refused.Status
		refuse(w, refused)
	}
	h.metrics.answered(code, time.Since(started))
}

// take takes the events of a request and answers it, unless it is refused.
func (h *Handler) take(w http.ResponseWriter, r *http.Request, at *endpoint, turn *turn) *intake.Refusal {
	results, refused := h.collect(w, r, at, turn)
	switch {
	case refused == nil:
		at.answer(w, results)
	case at != nil && refused.Status == http.StatusRequestEntityTooLarge:
		refused.Status = at.tooLarge
	}
	return refused
}

// recover answers for a request whose handling broke down: a bug, whose place is logged and nothing of what was sent. The value of a
// panic may hold that, so it is only told where it comes from Go's runtime.
func (h *Handler) recover(w http.ResponseWriter, started time.Time, refuse func(http.ResponseWriter, *intake.Refusal)) {
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
	h.log.Error("the handling of a request broke down: this is a bug", zap.String("panic", what), zap.ByteString("stack", debug.Stack()))
	refused := intake.Refuse(http.StatusInternalServerError, "internal", "the request broke the edge's handling of it, and may be stored in part: send the same once more, with the same ids")
	refused.Close = true
	refuse(w, refused)
	h.metrics.answered(refused.Status, time.Since(started))
}

// tellBusy logs that requests are refused for want of room. Whoever reads it should know whether many are here or one asks for much.
func (h *Handler) tellBusy(reason string) {
	if n, now := h.told.Add("busy "+reason, 1, time.Now()); now {
		h.log.Warn("requests find no room and are told to come again", zap.String("reason", reason), zap.Int("requests", n))
	}
}
