// Package enrich turns a raw event into an enriched one: a chain of stages, each a function without I/O.
package enrich

import (
	"cmp"
	"errors"
	"fmt"
	"sync"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/formats"
	"github.com/waymark-events/waymark/pkg/geo"
	"github.com/waymark-events/waymark/pkg/privacy"
	"github.com/waymark-events/waymark/pkg/pseudonym"
	"github.com/waymark-events/waymark/pkg/recorder"
	"github.com/waymark-events/waymark/pkg/segment"
	"github.com/waymark-events/waymark/pkg/useragent"
)

// maxMillis bounds every time, in Unix milliseconds, so that sums of them cannot overflow.
const maxMillis = recorder.MaxTime

// An Enricher is safe for concurrent use.
type Enricher struct {
	region   string
	window   Window
	accounts *account.Store
	locator  *geo.Locator
	parser   *useragent.Parser
	keys     *pseudonym.Ring
}

// Settings of an Enricher.
type Settings struct {
	// Region is where it runs; events of other regions' accounts are refused.
	Region string
	Window Window
}

// New returns an Enricher that looks things up in what it is given.
func New(s Settings, accounts *account.Store, locator *geo.Locator, parser *useragent.Parser, keys *pseudonym.Ring) *Enricher {
	return &Enricher{s.Region, s.Window, accounts, locator, parser, keys}
}

var sents = sync.Pool{New: func() any { return new(event.Sent) }}

// Enrich fills out, which it overwrites, from raw; enriched_at and epoch are the caller's. A *event.Rejection names the reason why the event is dead; any other
// error is a bug. What out holds then aliases raw.Value, which must live and not change until out is encoded, and what out
// held in Detail before, so that a caller who passes the same message again saves the allocation.
func (e *Enricher) Enrich(raw *event.Raw, out *event.Enriched) error {
	sent := sents.Get().(*event.Sent)
	defer sents.Put(sent)
	if err := formats.Decode(raw, sent); err != nil {
		return err
	}
	customer, err := e.admit(raw)
	if err != nil {
		return err
	}
	segment.Recognize(sent, customer.SegmentEvents)
	policy := &customer.Policy
	if why := privacy.Refuses(policy, sent, privacy.Signals{GPC: raw.GPC, DNT: raw.DNT}); why != privacy.Collected {
		return event.Reject(event.ReasonNotCollected, errors.New(why.Sentence()))
	}
	detail := out.Detail[:0]
	out.Reset()
	if err := e.translate(raw, sent, out); err != nil {
		return err
	}
	flag(sent, out)
	out.Detail = appendDetail(detail, privacy.Details(policy, sent.Environment, sent.Details))
	redact(out)
	locate(e.locator.Lookup(privacy.AddressLocated(policy, raw.ClientIP)), out)
	describe(e.parser.Parse(raw.UserAgent, hints(&raw.Hints)), sent, out)
	identify(raw, sent, customer, e.keys, out)
	arrive(privacy.AddressStored(policy, raw.ClientIP), sent, out)
	out.Time, out.TimeFlag = correctTime(sent.Time, raw.SentAt, raw.ReceivedAt, e.window)
	privacy.Apply(policy, out)
	cutURLs(out)
	return nil
}

// admit returns the event's account. An unknown one is not waited for: the accounts file may never name it again, and
// its events must not hold up everybody else's. They can be replayed from the dead letters.
func (e *Enricher) admit(raw *event.Raw) (*account.Account, error) {
	if raw.ReceivedAt > maxMillis {
		return nil, event.Reject(event.ReasonBadHeaders, fmt.Errorf("header %q is beyond all time", event.HeaderReceivedAt))
	}
	customer := e.accounts.Directory().ByID(raw.AccountID)
	switch {
	case customer == nil:
		return nil, event.Reject(event.ReasonUnknownAccount, errors.New("the account is not in the accounts file"))
	case customer.Region != e.region:
		return nil, event.Reject(event.ReasonWrongRegion, fmt.Errorf("the account's region is %s, this is %s", customer.Region, e.region))
	}
	return customer, nil
}

// translate fills what the event itself says.
func (e *Enricher) translate(raw *event.Raw, sent *event.Sent, out *event.Enriched) error {
	if sent.ItemType == "" {
		return &event.Rejection{Reason: event.ReasonUnknownItemType, Path: "$.data.type", Err: errors.New("data.type is none that this version knows")}
	}
	if !event.Known(sent.ItemType, sent.Event) {
		return &event.Rejection{Reason: event.ReasonUnknownEvent, Path: "$.type", Err: fmt.Errorf("type is none of the events of a %s", sent.ItemType)}
	}
	out.EventId, out.AccountId, out.Region = raw.EventID[:], raw.AccountID, e.region
	out.RawPartition, out.RawOffset = raw.Partition, raw.Offset
	out.ReceivedAt, out.ClientTime = raw.ReceivedAt, sent.Time
	out.Event, out.ItemType = sent.Event, sent.ItemType
	out.ItemId, out.ItemName, out.InteractionId = sent.ItemID, sent.ItemName, sent.InteractionID
	out.StepId, out.StepName, out.StepIndex = sent.Step.ID, sent.Step.Name, -1
	if sent.Step.Indexed {
		out.StepIndex = sent.Step.Index
	}
	out.StepCount, out.Iteration, out.Preview = sent.Step.Count, sent.Iteration, sent.Preview
	out.ItemLanguage, out.DismissReason = sent.ItemLanguage, sent.DismissReason
	out.Trigger, out.FailureReason = sent.Trigger, sent.FailureReason
	out.Environment = cmp.Or(sent.Environment, privacy.Production)
	out.Props = sent.Props
	out.Library, out.LibraryVersion = sent.Library.Name, sent.Library.Version
	return nil
}

// hints renames: pkg/event stays free of what reads them.
func hints(h *event.Hints) useragent.Hints {
	return useragent.Hints{
		UA: h.UA, FullVersionList: h.FullVersionList, FullVersion: h.FullVersion, Mobile: h.Mobile, Model: h.Model,
		Platform: h.Platform, PlatformVersion: h.PlatformVersion, FormFactors: h.FormFactors, RequestedWith: h.RequestedWith,
	}
}
