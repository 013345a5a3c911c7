package event

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/google/uuid"
)

// FormatRecorder is the wire format of the recorder's own events (schemas/events/event.schema.json).
const FormatRecorder = "recorder/1"

// FormatSegment is Segment's HTTP tracking API: one message, which says its type. Where the endpoint says it instead, the format is
// FormatSegment, a slash and the type: segment/1/track.
const FormatSegment = "segment/1"

// Names of the headers of a raw record. All values are text.
const (
	HeaderFormat     = "format"      // wire format of the value, FormatRecorder
	HeaderAccount    = "account"     // account id
	HeaderEventID    = "event_id"    // UUID in its 36-character form
	HeaderReceivedAt = "received_at" // Unix milliseconds, the edge's clock
	HeaderSentAt     = "sent_at"     // Unix milliseconds, the client's clock; absent if not sent
	HeaderContext    = "context"     // JSON: what a batch says of all its events, below what each says itself; absent if not sent
	HeaderClientIP   = "ip"          // the client's whole address
	HeaderUserAgent  = "ua"
	HeaderDNT        = "dnt" // "1" when the request carried DNT: 1
	HeaderGPC        = "gpc" // "1" when the request carried Sec-GPC: 1

	// User-Agent Client Hints as sent (https://wicg.github.io/ua-client-hints/).
	HeaderCHUA              = "ch_ua"
	HeaderCHFullVersionList = "ch_full_version_list"
	HeaderCHFullVersion     = "ch_full_version"
	HeaderCHMobile          = "ch_mobile"
	HeaderCHModel           = "ch_model"
	HeaderCHPlatform        = "ch_platform"
	HeaderCHPlatformVersion = "ch_platform_version"
	HeaderCHFormFactors     = "ch_form_factors"
	HeaderRequestedWith     = "requested_with" // X-Requested-With: names an in-app browser

	// HeaderSchema names the message of an enriched or dead record's value.
	HeaderSchema = "schema"
)

// Values of HeaderSchema.
const (
	SchemaEnriched = "enriched/1"
	SchemaDead     = "dead/1"
)

// A Raw event is what the edge knows of one accepted event: the client's own bytes and what came with the request.
type Raw struct {
	Format     string
	AccountID  string
	EventID    uuid.UUID
	ReceivedAt int64  // Unix milliseconds
	SentAt     int64  // Unix milliseconds by the client's clock; 0 when not sent
	Context    []byte // what the batch says of all its events, as sent; nil when it says nothing
	ClientIP   netip.Addr
	UserAgent  string
	Hints      Hints
	DNT        bool
	GPC        bool

	// Value is the event exactly as the client sent it: one JSON object.
	Value []byte

	// Where the record lies on the raw topic; set by ParseRaw.
	Partition int32
	Offset    int64
}

// Hints are the User-Agent Client Hints of a request, values as sent; empty where the browser sent none.
type Hints struct {
	UA, FullVersionList, FullVersion, Mobile, Model, Platform, PlatformVersion, FormFactors string
	// RequestedWith is X-Requested-With: an Android web view's package name.
	RequestedWith string
}

// hintHeaders are the headers of hints, in the order in which Record writes them.
var hintHeaders = []string{
	HeaderCHUA, HeaderCHFullVersionList, HeaderCHFullVersion, HeaderCHMobile, HeaderCHModel, HeaderCHPlatform, HeaderCHPlatformVersion,
	HeaderCHFormFactors, HeaderRequestedWith,
}

// of returns the hint that a header carries, nil where it carries none.
func (h *Hints) of(header string) *string {
	switch header {
	case HeaderCHUA:
		return &h.UA
	case HeaderCHFullVersionList:
		return &h.FullVersionList
	case HeaderCHFullVersion:
		return &h.FullVersion
	case HeaderCHMobile:
		return &h.Mobile
	case HeaderCHModel:
		return &h.Model
	case HeaderCHPlatform:
		return &h.Platform
	case HeaderCHPlatformVersion:
		return &h.PlatformVersion
	case HeaderCHFormFactors:
		return &h.FormFactors
	case HeaderRequestedWith:
		return &h.RequestedWith
	}
	return nil
}

// Key is the Kafka key of an event: it keeps all events of one visitor in one partition, in order.
func Key(accountID, visitorID string) []byte {
	return AppendKey(make([]byte, 0, len(accountID)+1+len(visitorID)), accountID, visitorID)
}

// AppendKey appends Key to dst.
func AppendKey(dst []byte, accountID, visitorID string) []byte {
	return append(append(append(dst, accountID...), '|'), visitorID...)
}

// ParseRaw reads a record of the raw topic into out; out.Value aliases rec.Value, all else is copied, or is what out had before where that is the
// same: the events of a request share most of their headers, so that passing the same out saves the allocations. Headers it does
// not know are ignored. The error is a *Rejection with ReasonBadHeaders: such a record was not written by an edge.
func ParseRaw(rec *Record, out *Raw) error {
	before := *out
	*out = Raw{Value: rec.Value, Partition: rec.Partition, Offset: rec.Offset}
	var err error
	for i := range rec.Headers {
		if e := out.parse(&rec.Headers[i], &before); e != nil {
			err = errors.Join(err, fmt.Errorf("header %q: %w", rec.Headers[i].Key, e))
		}
	}
	switch {
	case err != nil:
	case out.Format == "":
		err = fmt.Errorf("header %q is missing", HeaderFormat)
	case out.AccountID == "":
		err = fmt.Errorf("header %q is missing", HeaderAccount)
	case out.EventID == uuid.Nil:
		err = fmt.Errorf("header %q is missing", HeaderEventID)
	case out.ReceivedAt <= 0:
		err = fmt.Errorf("header %q is missing or not positive", HeaderReceivedAt)
	}
	if err != nil {
		return Reject(ReasonBadHeaders, err)
	}
	return nil
}

var (
	errNotUUID    = errors.New("not a UUID")
	errNotInteger = errors.New("not an integer")
	errNotAddress = errors.New("not an IP address")
)

// parse reads a header; what before has of it is taken from there.
func (r *Raw) parse(h *Header, before *Raw) error {
	switch h.Key {
	case HeaderFormat:
		if string(h.Value) == FormatRecorder {
			r.Format = FormatRecorder
		} else {
			r.Format = again(h.Value, before.Format)
		}
	case HeaderAccount:
		r.AccountID = again(h.Value, before.AccountID)
	case HeaderEventID:
		id, err := uuid.ParseBytes(h.Value)
		if err != nil {
			return errNotUUID
		}
		r.EventID = id
	case HeaderReceivedAt:
		return parseMillis(h.Value, &r.ReceivedAt)
	case HeaderSentAt:
		return parseMillis(h.Value, &r.SentAt)
	case HeaderContext:
		if r.Context = before.Context; !bytes.Equal(h.Value, before.Context) {
			r.Context = bytes.Clone(h.Value)
		}
	case HeaderClientIP:
		var text [64]byte
		if before.ClientIP.IsValid() && bytes.Equal(before.ClientIP.AppendTo(text[:0]), h.Value) {
			r.ClientIP = before.ClientIP
			return nil
		}
		addr, err := netip.ParseAddr(string(h.Value))
		if err != nil {
			return errNotAddress
		}
		r.ClientIP = addr
	case HeaderUserAgent:
		r.UserAgent = again(h.Value, before.UserAgent)
	case HeaderDNT:
		r.DNT = string(h.Value) == "1"
	case HeaderGPC:
		r.GPC = string(h.Value) == "1"
	default:
		if hint := r.Hints.of(h.Key); hint != nil {
			*hint = again(h.Value, *before.Hints.of(h.Key))
		}
	}
	return nil
}

// again returns text as a string: before, where that is the same.
func again(text []byte, before string) string {
	if string(text) == before {
		return before
	}
	return string(text)
}

func parseMillis(text []byte, out *int64) error {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return errNotInteger
	}
	*out = n
	return nil
}
