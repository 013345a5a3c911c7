package enrich

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/waymark-events/waymark/pkg/event"
)

func TestCredentialsAreTakenOffURLsWithinJSON(t *testing.T) {
	for sent, want := range map[string]string{
		`{"url":"https://u:p@h.example/x","a":1}`:                    `{"url":"https://h.example/x","a":1}`,
		`{"result":{"pageUrl":"https:\/\/u:p@h.example"} , "b":"@"}`: `{"result":{"pageUrl":"https://h.example"} , "b":"@"}`,
		`{"links":["https://a.example/@jane",{"href":"//u:p@h"}]}`:   `{"links":["https://a.example/@jane",{"href":"//h"}]}`,
		`{"redirect_uri":"https%3A%2F%2Fu%3Ap%40h","x":"u:p@h"}`:     `{"redirect_uri":"https%3A%2F%2Fh","x":"u:p@h"}`,
		`{"referrer":"https://u:p\u0040h/"}`:                         `{"referrer":"https://h/"}`,
		`{"\u0075rl":"https://u:p@h/","n":12345678901234567890}`:     `{"\u0075rl":"https://h/","n":12345678901234567890}`,
	} {
		if got, taken := withoutCredentialsIn([]byte(sent)); string(got) != want || !taken {
			t.Errorf("%s: got %s, want %s", sent, got, want)
		}
	}
	for _, sent := range []string{
		``, `{}`, `{"url":"https://a.example/@jane"}`, `{"answer":"https://u:p@h.example"}`, `{"link":"me: jane@x.example"}`, `{"url":["a@b",{"c":"https://u:p@h"}]}`,
		`{"url": " https://a.example/p@q " }`, `{"a":{"url":1},"b":"https://u:p@h"}`, `{"email":"jane@x.example","url":null}`,
	} {
		if got, taken := withoutCredentialsIn([]byte(sent)); string(got) != sent || taken {
			t.Errorf("%s became %s", sent, got)
		}
	}
}

func TestARowTellsThatCredentialsWereTakenOff(t *testing.T) {
	raw := rawEvent(t, "open", "published")
	raw.Value = []byte(`{"time":1551784023000,"type":"play","data":{"type":"wt","pInit":{"type":"url","url":"https://u:s3cret@h/"}},"page":{"url":"https://u:s3cret@h/","referrer":"//u:s3cret@h/"},"props":{"url":"https://u:s3cret@h/"}}`)
	var got event.Enriched
	if err := newEnricher(t).Enrich(raw, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"redacted:props", "redacted:data", "redacted:page.url", "redacted:page.referrer"}, got.Flags); diff != "" {
		t.Error(diff)
	}
	if string(got.Props) != `{"url":"https://h/"}` || string(got.Detail) != `{"init":{"type":"url","url":"https://h/"}}` {
		t.Errorf("props %s, detail %s", got.Props, got.Detail)
	}
}
