package intake

import (
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/formats"
	"github.com/waymark-events/waymark/pkg/identity"
	"github.com/waymark-events/waymark/pkg/privacy"
	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/pkg/segment"
)

// maxHeader bounds what is kept of one header, in bytes.
const maxHeader = 1024

// A Piece is one event as a client sent it, not looked at yet.
type Piece struct {
	Value []byte
	Depth int // how deep objects and arrays nest in it
	// Brief, unless nil, is what was read of it: then it is exactly as its schema has it.
	Brief *recorder.Brief
}

// A Request is what a request says of all its events.
type Request struct {
	Owner *account.Account
	// Format is the wire format that the events are in.
	Format string
	// Received and SentAt are Unix milliseconds by the edge's clock and by the client's; SentAt is 0 where the client did not say.
	Received, SentAt int64
	Client           netip.Addr
	Header           http.Header
	// Context is JSON: what the batch says of all its events. nil when it says nothing.
	Context []byte
	// Relayed events may be sent by a server: what they say of the end user's address and browser counts then. See attribute.
	Relayed bool
	// Keep stores what cannot be used, too: it becomes a dead letter. It is for clients that never send a single event of a batch again.
	Keep bool
	// Pause, unless nil, is called after some events each: others' work may go first.
	Pause func()
}

// get returns a header by its canonical name, cut to maxHeader.
func (r *Request) get(name string) string {
	if values := r.Header[name]; len(values) > 0 {
		return cut(values[0])
	}
	return ""
}

func cut(header string) string { return header[:min(len(header), maxHeader)] }

// Check decides on each event and makes records of those that are right and that the account's policy collects, for Store, and of the others where the request says to keep them. An id
// that comes twice in a request is one event: the second is answered with the first one's id and not stored again.
func (i *Intake) Check(events []Piece, r *Request) *Checked {
	out := newChecked(len(events))
	results, sent, raw := out.Results, &out.work.sent, &out.work.raw
	shared := r.raw()
	mask := func(addr netip.Addr) netip.Addr { return privacy.AddressAtEdge(&r.Owner.Policy, addr) }
	context := segment.Readdress(shared.Context, segment.AddressInContext, mask)
	for n := range events {
		if n%8 == 7 && r.Pause != nil {
			r.Pause()
		}
		p := &events[n]
		*raw = shared
		raw.Value = p.Value
		err := i.decode(p, raw, r, sent)
		if err != nil && !r.Keep {
			results[n] = reject(err)
			continue
		}
		if why := privacy.Refuses(&r.Owner.Policy, sent, privacy.Signals{GPC: raw.GPC, DNT: raw.DNT}); why != privacy.Collected {
			results[n] = Result{Status: Ignored, Code: string(event.ReasonNotCollected), Message: why.Sentence(), refusal: why}
			continue
		}
		raw.ClientIP = mask(raw.ClientIP)
		if r.Relayed {
			raw.Value, raw.Context = segment.Readdress(raw.Value, segment.AddressInMessage, mask), context
		}
		raw.EventID = identity.EventID(r.Owner.ID, sent.ID)
		place, before := out.seen(raw.EventID)
		visitor := identity.Visitor(r.Owner, sent, raw.EventID)
		if err == nil && !before {
			if code, why := i.unwanted(r, sent, visitor); code != "" {
				results[n] = Result{Status: Dropped, Code: code, Message: why}
				continue
			}
		}
		results[n] = Result{Status: Accepted, Warnings: sent.Warnings}
		if err != nil {
			results[n] = reject(err)
			results[n].Status = Dead
		}
		results[n].ID, results[n].record = out.text(raw.EventID), place
		if !before {
			out.add(raw, results[n].ID, visitor)
		}
	}
	out.Records = out.work.records.All()
	return out
}

// decode reads an event, and what it says of the request that raw is the record of.
func (i *Intake) decode(p *Piece, raw *event.Raw, r *Request, sent *event.Sent) error {
	if !r.Keep {
		if err := i.inspect(p); err != nil {
			return err
		}
	}
	if p.Brief != nil {
		p.Brief.Sent(sent)
		return nil
	}
	err := formats.Decode(raw, sent)
	segment.Recognize(sent, r.Owner.SegmentEvents)
	if sent.SentAt != 0 {
		raw.SentAt = sent.SentAt
	}
	if r.Relayed {
		attribute(raw, &sent.Client, r.Header.Get("Origin") != "")
	}
	return err
}

// unwanted says why an account does not want an event that is right; "" when it does. The answer is 200 all the same: what is sent again would be
// dropped again, and a page in a loop would never come to its end.
func (i *Intake) unwanted(r *Request, sent *event.Sent, visitor string) (code, why string) {
	switch {
	case r.Owner.Drops(sent):
		return "drop_list", "the account's drop list names such events: it is not stored"
	case i.hot(r.Owner, visitor, time.UnixMilli(r.Received)):
		return "visitor_rate", "its visitor sends more events a minute than the account lets one: it is not stored"
	}
	return "", ""
}

func reject(err error) Result {
	why := event.AsRejection(err)
	if why == nil { // the decoder promises a Rejection
		why = &event.Rejection{Reason: event.ReasonMalformedJSON, Err: err}
	}
	return Result{Status: Rejected, Code: string(why.Reason), Path: why.Path, Message: why.Err.Error()}
}

// raw returns what all events of the request share.
func (r *Request) raw() event.Raw {
	return event.Raw{
		Format: r.Format, AccountID: r.Owner.ID, ReceivedAt: r.Received, SentAt: r.SentAt, Context: r.Context, ClientIP: r.Client,
		UserAgent: r.get("User-Agent"), DNT: r.get("Dnt") == "1", GPC: r.get("Sec-Gpc") == "1",
		Hints: event.Hints{
			UA: r.get("Sec-Ch-Ua"), FullVersionList: r.get("Sec-Ch-Ua-Full-Version-List"), FullVersion: r.get("Sec-Ch-Ua-Full-Version"),
			Mobile: r.get("Sec-Ch-Ua-Mobile"), Model: r.get("Sec-Ch-Ua-Model"), Platform: r.get("Sec-Ch-Ua-Platform"),
			PlatformVersion: r.get("Sec-Ch-Ua-Platform-Version"), FormFactors: r.get("Sec-Ch-Ua-Form-Factors"), RequestedWith: r.get("X-Requested-With"),
		},
	}
}

// inspect finds what makes a piece no event at all, before it is decoded.
func (i *Intake) inspect(p *Piece) error {
	switch {
	case len(p.Value) > i.limits.EventBytes:
		return event.Reject(event.ReasonTooLarge, fmt.Errorf("the event has %d bytes, of at most %d", len(p.Value), i.limits.EventBytes))
	case p.Depth > i.limits.Depth:
		return event.Reject(event.ReasonTooDeep, fmt.Errorf("objects and arrays are nested deeper than %d", i.limits.Depth))
	}
	return nil
}
