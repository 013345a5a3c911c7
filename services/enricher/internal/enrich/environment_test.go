package enrich

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/useragent"
)

func TestDescribe(t *testing.T) {
	sent := &event.Sent{
		Browser: event.Software{Text: "Chrome 72.0.3626.121"}, OS: event.Software{Name: "Windows", Version: "10"},
		ScreenWidth: 1920, ScreenHeight: 1080, Language: "en-US", Timezone: "Europe/Berlin",
	}
	for name, c := range map[string]struct {
		headers useragent.Environment
		want    *event.Enriched
	}{
		"headers say all": {
			useragent.Environment{Browser: "Firefox", BrowserVersion: "120.0", OS: "Linux", OSVersion: "6", DeviceType: "desktop", DeviceBrand: "b", DeviceModel: "m", IsBot: true, BotName: "n"},
			&event.Enriched{Browser: "Firefox", BrowserVersion: "120.0", Os: "Linux", OsVersion: "6", DeviceType: "desktop", DeviceBrand: "b", DeviceModel: "m", IsBot: true, BotName: "n"},
		},
		"headers say nothing":                       {useragent.Environment{}, &event.Enriched{Browser: "Chrome", BrowserVersion: "72.0.3626.121", Os: "Windows", OsVersion: "10"}},
		"another browser's version is not borrowed": {useragent.Environment{Browser: "Firefox", OS: "Mac OS X"}, &event.Enriched{Browser: "Firefox", Os: "Mac OS X"}},
		"the same browser's version is":             {useragent.Environment{Browser: "chrome", OS: "Windows", OSVersion: "11"}, &event.Enriched{Browser: "chrome", BrowserVersion: "72.0.3626.121", Os: "Windows", OsVersion: "11"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.ScreenWidth, c.want.ScreenHeight, c.want.Language, c.want.Timezone = 1920, 1080, "en-US", "Europe/Berlin"
			got := &event.Enriched{}
			describe(c.headers, sent, got)
			if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSplitSoftware(t *testing.T) {
	for sent, want := range map[string][2]string{
		"":                     {},
		"Chrome 72.0.3626.121": {"Chrome", "72.0.3626.121"},
		"Mac OS X 10.14":       {"Mac OS X", "10.14"},
		"Samsung Internet":     {"Samsung Internet", ""},
		"Chrome  72 ":          {"Chrome", "72"},
		"72":                   {"72", ""},
		"Windows Vista":        {"Windows Vista", ""},
	} {
		if name, version := splitSoftware(sent); name != want[0] || version != want[1] {
			t.Errorf("%q: %q %q, want %q", sent, name, version, want)
		}
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add("Chrome", "", "Chrome 72", "", "")
	f.Add("", "1", " 1", "", "x")
	f.Fuzz(func(t *testing.T, name, version, text, sentName, sentVersion string) {
		got := &event.Enriched{}
		describe(useragent.Environment{Browser: name, BrowserVersion: version}, &event.Sent{Browser: event.Software{Text: text, Name: sentName, Version: sentVersion}}, got)
		if name != "" && got.Browser != name {
			t.Errorf("the recorder overruled the headers: %q", got.Browser)
		}
	})
}

func BenchmarkDescribe(b *testing.B) {
	sent := &event.Sent{Browser: event.Software{Text: "Chrome 72.0.3626.121"}}
	var out event.Enriched
	b.ReportAllocs()
	for b.Loop() {
		describe(useragent.Environment{}, sent, &out)
	}
}
