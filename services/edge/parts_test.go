package edge

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/kafka"
)

// narrow takes so many bytes at once, and never a record whose value begins with "!".
type narrow struct {
	bytes int
	sent  []string
	fails error
}

func (k *narrow) SendEach(_ context.Context, topic string, recs []event.Record) error {
	size := 0
	var large []int
	for i := range recs {
		if size += recs[i].Size(); recs[i].Value[0] == '!' {
			large = append(large, i)
			continue
		}
		k.sent = append(k.sent, string(recs[i].Value))
	}
	switch {
	case size > k.bytes:
		return kafka.ErrBufferFull
	case k.fails != nil:
		return k.fails
	case large != nil:
		return &kafka.TooLarge{Topic: topic, Records: large}
	}
	return nil
}

func TestARequestLargerThanTheProducersBufferIsSentInParts(t *testing.T) {
	for name, c := range map[string]struct {
		values []string
		large  []int
	}{
		"all at once":             {[]string{"aaa", "bbb"}, nil},
		"in order":                {[]string{"aaaa", "bbbb", "cccc", "dd", "eeeeeeee", "f"}, nil},
		"what is never taken":     {[]string{"aaaa", "!bbb", "cccc", "!ddd", "eeee", "!fff"}, []int{1, 3, 5}},
		"all of it in the second": {[]string{"aaaaaaaa", "!b", "!c"}, []int{1, 2}},
		"nothing":                 {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var recs []event.Record
			var want []string
			for i, value := range c.values {
				recs = append(recs, event.Record{Value: []byte(value)})
				if !slices.Contains(c.large, i) {
					want = append(want, value)
				}
			}
			k := &narrow{bytes: 8}
			err := inParts{k, 8}.SendEach(t.Context(), "raw", recs)
			var tooLarge *kafka.TooLarge
			if errors.As(err, &tooLarge) != (c.large != nil) || tooLarge != nil && !slices.Equal(tooLarge.Records, c.large) || tooLarge == nil && err != nil {
				t.Errorf("got %v", err)
			}
			if !slices.Equal(k.sent, want) {
				t.Errorf("sent %q, want %q", k.sent, want)
			}
		})
	}
	away := errors.New("no broker answers")
	if err := (inParts{&narrow{bytes: 8, fails: away}, 8}).SendEach(t.Context(), "raw", []event.Record{{Value: []byte("a")}}); !errors.Is(err, away) {
		t.Errorf("got %v", err)
	}
}
