package event

import (
	"bytes"
	"strconv"
	"unsafe"
)

// Record renders r as the raw topic's record under the given key. The record's timestamp is ReceivedAt.
func (r *Raw) Record(key []byte) Record {
	return Record{Timestamp: r.ReceivedAt, Key: key, Value: r.Value, Headers: r.appendHeaders(make([]Header, 0, 16), r.EventID.String())}
}

// idHeader is the place of HeaderEventID.
const idHeader = 2

// appendHeaders renders r's headers. id is EventID as text, which its header aliases. Format and AccountID must be there.
func (r *Raw) appendHeaders(out []Header, id string) []Header {
	add := func(key, value string) {
		if value != "" {
			out = append(out, Header{key, []byte(value)})
		}
	}
	add(HeaderFormat, r.Format)
	add(HeaderAccount, r.AccountID)
	out = append(out, Header{HeaderEventID, bytesOf(id)})
	add(HeaderReceivedAt, strconv.FormatInt(r.ReceivedAt, 10))
	if r.SentAt != 0 {
		add(HeaderSentAt, strconv.FormatInt(r.SentAt, 10))
	}
	add(HeaderContext, string(r.Context))
	if r.ClientIP.IsValid() {
		add(HeaderClientIP, r.ClientIP.String())
	}
	add(HeaderUserAgent, r.UserAgent)
	if r.DNT {
		add(HeaderDNT, "1")
	}
	if r.GPC {
		add(HeaderGPC, "1")
	}
	for _, header := range hintHeaders {
		add(header, *r.Hints.of(header))
	}
	return out
}

func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// Records makes the records of a request's events: what one has in common with the one before it is rendered once. The zero value is empty.
type Records struct {
	made    []Record
	last    Raw
	headers []Header // last's
	all     []Header
	keys    []byte
}

// Add makes the record of one event under the key of its visitor. id is its EventID as text. The record aliases both, raw.Value, and memory
// of s; none of it may be changed. Format and AccountID must be there.
func (s *Records) Add(raw *Raw, id, visitor string) {
	if len(s.made) == 0 || !s.last.alike(raw) {
		s.last, s.headers = *raw, raw.appendHeaders(s.headers[:0], id)
	}
	from := len(s.all)
	s.all = append(s.all, s.headers...) // where this takes new memory, earlier records keep the old
	headers := s.all[from:len(s.all):len(s.all)]
	headers[idHeader].Value = bytesOf(id)
	from = len(s.keys)
	s.keys = AppendKey(s.keys, raw.AccountID, visitor)
	s.made = append(s.made, Record{Timestamp: raw.ReceivedAt, Key: s.keys[from:len(s.keys):len(s.keys)], Value: raw.Value, Headers: headers})
}

// All are the records, in order, until Reset.
func (s *Records) All() []Record { return s.made }

// Reset empties s and keeps its memory: records made before must not be used any more.
func (s *Records) Reset() {
	clear(s.made)
	clear(s.headers)
	clear(s.all)
	*s = Records{made: s.made[:0], headers: s.headers[:0], all: s.all[:0], keys: s.keys[:0]}
}

// alike tells whether two raw events differ in nothing but id and value.
func (r *Raw) alike(other *Raw) bool {
	return r.Format == other.Format && r.AccountID == other.AccountID && r.ReceivedAt == other.ReceivedAt && r.SentAt == other.SentAt &&
		bytes.Equal(r.Context, other.Context) && r.ClientIP == other.ClientIP && r.UserAgent == other.UserAgent && r.Hints == other.Hints &&
		r.DNT == other.DNT && r.GPC == other.GPC
}
