package erasure

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/event"
)

// A Kind is what a tombstone is about.
type Kind string

// Kinds.
const (
	User    Kind = "user"
	Visitor Kind = "visitor"
	Company Kind = "company"
	// Span is all of an account's events of a span of time.
	Span Kind = "span"
)

// A Mode is what becomes of the events.
type Mode string

// Modes.
const (
	// Erase leaves nothing.
	Erase Mode = "erase"
	// Anonymise leaves events that nobody can be told from, for the counts.
	Anonymise Mode = "anonymise"
)

// A Tombstone says which events are to be gone, and names nobody.
type Tombstone struct {
	Account string
	Kind    Kind
	// Digest is the identifier's, under the secret of the fingerprint Key. Zero for a Span.
	Digest Digest
	Key    string
	// From and To bound the time of the events, corrected, To excluded; Unix milliseconds, 0 for no bound.
	From, To int64
	Mode     Mode
	// ReceivedUntil is when the last event was received that is meant, Unix milliseconds by the edges' clocks.
	ReceivedUntil int64
	// Suppress means those that are received later, too.
	Suppress bool
	// MadeAt is when it was made, Unix milliseconds.
	MadeAt int64
}

// wire is the record's value. Numbers of versions rise; a reader refuses one that it does not know.
type wire struct {
	Version       int    `json:"v"`
	Account       string `json:"account"`
	Kind          Kind   `json:"kind"`
	Digest        string `json:"digest,omitempty"`
	Key           string `json:"key,omitempty"`
	From          int64  `json:"from,omitempty"`
	To            int64  `json:"to,omitempty"`
	Mode          Mode   `json:"mode"`
	ReceivedUntil int64  `json:"received_until"`
	Suppress      bool   `json:"suppress,omitempty"`
	MadeAt        int64  `json:"made_at"`
}

const version = 1

// ID names the tombstone: it is the record's key. One that says the same of another moment has the same.
func (t *Tombstone) ID() string {
	name := fmt.Sprintf("%s\x00%s\x00%x\x00%s\x00%d\x00%d\x00%s\x00%t", t.Account, t.Kind, t.Digest, t.Key, t.From, t.To, t.Mode, t.Suppress)
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:12])
}

// Record renders t as a record of the topic.
func (t *Tombstone) Record() event.Record {
	w := wire{
		Version: version, Account: t.Account, Kind: t.Kind, Key: t.Key, From: t.From, To: t.To, Mode: t.Mode,
		ReceivedUntil: t.ReceivedUntil, Suppress: t.Suppress, MadeAt: t.MadeAt,
	}
	if t.Kind != Span {
		w.Digest = hex.EncodeToString(t.Digest[:])
	}
	value, err := json.Marshal(w)
	if err != nil { // numbers and text always marshal
		panic(err)
	}
	return event.Record{Timestamp: t.MadeAt, Key: []byte(t.ID()), Value: value}
}

// Parse reads a record's value. Whatever it does not understand is an error: what is not obeyed would be stored.
func Parse(value []byte) (*Tombstone, error) {
	var head struct {
		Version int `json:"v"`
	}
	switch err := json.Unmarshal(value, &head); {
	case err != nil || head.Version < 1:
		return nil, errors.New("no tombstone of Waymark's")
	case head.Version > version:
		return nil, fmt.Errorf("a tombstone of format %d, of which this version knows %d: run the newer one", head.Version, version)
	}
	var w wire
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&w) != nil {
		return nil, errors.New("a tombstone with members that this version does not know")
	}
	t := &Tombstone{
		Account: w.Account, Kind: w.Kind, Key: w.Key, From: w.From, To: w.To, Mode: w.Mode, ReceivedUntil: w.ReceivedUntil, Suppress: w.Suppress, MadeAt: w.MadeAt,
	}
	if t.Kind != Span {
		digest, err := hex.DecodeString(w.Digest)
		if err != nil || len(digest) != len(t.Digest) {
			return nil, errors.New("a tombstone without its digest")
		}
		t.Digest = Digest(digest)
	}
	if err := t.validate(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Tombstone) validate() error {
	switch t.Kind {
	case User, Visitor, Company:
		if t.Key == "" || t.Digest == (Digest{}) {
			return errors.New("a tombstone without its digest")
		}
	case Span:
		if t.From == 0 && t.To == 0 {
			return errors.New("a tombstone of a whole account")
		}
	default:
		return fmt.Errorf("a tombstone of kind %q, which this version does not know", t.Kind)
	}
	switch {
	case t.Account == "":
		return errors.New("a tombstone without an account")
	case t.Mode != Erase && t.Mode != Anonymise:
		return fmt.Errorf("a tombstone of mode %q, which this version does not know", t.Mode)
	case t.To != 0 && t.To <= t.From:
		return errors.New("a tombstone of no time")
	}
	return nil
}

// within tells whether an event of some receipt and time is meant, whosever it is.
func (t *Tombstone) within(receivedAt, at int64) bool {
	return (t.Suppress || receivedAt <= t.ReceivedUntil) && (t.From == 0 || at >= t.From) && (t.To == 0 || at < t.To)
}

// ReceivedBefore is ReceivedUntil as people read it.
func (t *Tombstone) ReceivedBefore() time.Time { return time.UnixMilli(t.ReceivedUntil).UTC() }
