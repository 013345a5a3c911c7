package enrich

import (
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestCredentialsAreTakenOff(t *testing.T) {
	for sent, want := range map[string]string{
		"https://user:pw@h.example/p":                                                "https://h.example/p",
		" https://user:pw@h.example/p":                                               "https://h.example/p",
		"\x00\x1f https://user:pw@h.example/p \n":                                    "https://h.example/p",
		"ht\ntps://us\ter:p\rw@h.example/p":                                          "https://h.example/p",
		"HTTPS://user:pw@h.example/p":                                                "HTTPS://h.example/p",
		`https:\\user:pw@h.example\p`:                                                `https:\\h.example\p`,
		`\\user:pw@h.example\p`:                                                      `\\h.example\p`,
		"//user:pw@h.example/p":                                                      "//h.example/p",
		"user:pw@h.example/p":                                                        "h.example/p",
		"user%3Apw%40h.example/p":                                                    "h.example/p",
		"https:user:pw@h.example/p":                                                  "https:h.example/p",
		"https:/user:pw@h.example/p":                                                 "https:/h.example/p",
		"https:////user:pw@h.example/p":                                              "https:////h.example/p",
		"https: //user:pw@h.example/p":                                               "https: //h.example/p",
		"https://user:p@w@h.example/p":                                               "https://h.example/p",
		"https://a@b@c@h.example/p":                                                  "https://h.example/p",
		"https://user:pw%40h.example/p":                                              "https://h.example/p",
		"https://user%3Apw@h.example/p":                                              "https://h.example/p",
		"https://u:p%2Fw%3F@h.example/p":                                             "https://h.example/p",
		"https://u%2Fw:p@h.example/p":                                                "https://h.example/p",
		"https://user:p&w@h.example/p":                                               "https://h.example/p",
		"https://user:p w@h.example/p":                                               "https://h.example/p",
		"https://user:p/w@h.example/p":                                               "https://h.example/p",
		"https://user:p?w@h.example/p":                                               "https://h.example/p",
		"https://user:p#w@h.example/p":                                               "https://h.example/p",
		"https%3A%2F%2Fuser%3Apw%40h.example%2Fp":                                    "https%3A%2F%2Fh.example%2Fp",
		"postgres://user:pw@h.example/p":                                             "postgres://h.example/p",
		"view-source:https://user:pw@h.example/p":                                    "view-source:https://h.example/p",
		"blob:https://user:pw@h.example/0190":                                        "blob:https://h.example/0190",
		"https://a.example/?next=https://user:pw@h.example/":                         "https://a.example/?next=https://h.example/",
		"https://a.example/?next=//user:pw@h.example/":                               "https://a.example/?next=//h.example/",
		"https://a.example/?next=https%3A%2F%2Fuser%3Apw%40h.example%2F&x=a@b":       "https://a.example/?next=https%3A%2F%2Fh.example%2F&x=a@b",
		"https://a.example/?next=https%253A%252F%252Fuser%253Apw%2540h.example%252F": "https://a.example/?next=https%253A%252F%252Fh.example%252F",
		"https://u:p@a.example/#/login?from=https://user:pw@h.example":               "https://a.example/#/login?from=https://h.example",
		"https://web.archive.example/web/2026/http://user:pw@h.example/":             "https://web.archive.example/web/2026/http://h.example/",
		"https://http://user:pw@h.example/p":                                         "https://http://h.example/p",
		"https://user:pw@":                                                           "https://",
	} {
		if got, taken := withoutCredentials(sent); got != want || !taken {
			t.Errorf("%q: got %q, %t, want %q", sent, got, taken, want)
		}
	}
}

func TestWhatIsNoCredentialsStays(t *testing.T) {
	for _, sent := range []string{
		"", "@", "https://a.example", "https://a.example/@jane/posts", "https://a.example//@jane", "https://a.example/p@q?x=y@z#@", "/users/jane@x.example",
		"mailto:jane@x.example", "data:text/plain,a@b", "javascript:f('a@b')", "git@git.example:org/repo", "https://a.example/?email=jane@x.example",
		"https://a.example:8443/x?y=z@w", "https://[2001:db8::1]:8443/p@q", "https://a.example/?q=100%&e=a%40b", "about:blank", "chrome-extension://abcdef/a@2x.png",
		"https://a.example//double//slash@2x.png", "https://a.example/scope/@org/package@1.2.3", "https://a.example/?a=1:2&b=c@d", "https://a.example:port/?e=a%40b", "@jane", "jane@x.example",
	} {
		if got, taken := withoutCredentials(sent); got != sent || taken {
			t.Errorf("%q became %q", sent, got)
		}
	}
}

func TestHostOfOddURLs(t *testing.T) {
	for sent, want := range map[string]string{
		" https://user:pw@h.example/p": "h.example", `https:\\user:pw@h.example\p`: "h.example", "//user:pw@h.example/p": "h.example", "https:user:pw@h.example": "h.example",
		"HTTPS://user:pw@H.example:8443/p": "h.example",
	} {
		if got := splitURL(sent).host; got != want {
			t.Errorf("%q: host %q, want %q", sent, got, want)
		}
	}
}

// A password marked by a word that stands nowhere else is in nothing that is stored, however the URL around it is written.
func TestNoPasswordIsStored(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pick := func(name string, from ...string) string { return rapid.SampledFrom(from).Draw(rt, name) }
		before := pick("before the URL", "", "", " ", "\x00\t", "https://a.example/?next=", "https://u:v@a.example/x?a=1&next=", "https://a.example/#", "/go?to=", "view-source:")
		encoded := rapid.IntRange(0, 3).Draw(rt, "times encoded")
		letters := "aZ0.:@!$()*+,;=-_~%é"
		if encoded > 0 || strings.TrimSpace(strings.Trim(before, "\x00")) == "" {
			letters += "&' \"<>" // in a URL within another they would end it
		}
		odd := rapid.StringOfN(rapid.RuneFrom([]rune(letters)), 0, 6, -1)
		user, password := odd.Draw(rt, "user"), odd.Draw(rt, "part of the password")+"S3CRET"+odd.Draw(rt, "the rest")
		credentials := user + ":" + password + "@"
		scheme := pick("scheme", "http:", "https:", "HtTpS:", "ftp:", "wss:", "postgres:", "x-app+1:", "")
		slashes := pick("slashes", "//", `\\`, `/\`, "///", "////")
		if scheme == "http:" || scheme == "https:" || scheme == "wss:" {
			slashes = pick("web slashes", "", "/", `\`, slashes)
		}
		sent := scheme + slashes + credentials + pick("host", "h.example", "h.example:8443", "[2001:db8::1]:1", "localhost") + pick("path", "", "/", "/p/@q", "?x=y@z", "#f", `\p`)
		for range encoded {
			sent = url.QueryEscape(sent)
		}
		sent = before + sent
		if rapid.Bool().Draw(rt, "a line end within") {
			at := rapid.IntRange(0, len(sent)).Draw(rt, "where")
			sent = sent[:at] + pick("line end", "\n", "\t", "\r\n") + sent[at:]
		}
		u := splitURL(sent)
		for _, stored := range []string{u.text, u.host, u.path} {
			if strings.Contains(strings.ToLower(strings.NewReplacer("\n", "", "\t", "", "\r", "").Replace(stored)), "s3cret") {
				rt.Fatalf("%q: %q is stored", sent, stored)
			}
		}
	})
}

func FuzzWithoutCredentials(f *testing.F) {
	for _, seed := range []string{"https://u:p@h/p", `\\u:p@h`, "a:b@c", "https%3A%2F%2Fu%3Ap%40h", "https://a/?n=https:u:p@h", "%%25%2540:@//"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent string) {
		once, _ := withoutCredentials(sent)
		if len(once) > len(sent) {
			t.Errorf("%q grew to %q", sent, once)
		}
		if u, err := url.Parse(once); err == nil && u.User != nil && (u.Scheme == "http" || u.Scheme == "https") && u.User.String() != "" {
			t.Errorf("%q: %q has the user %s", sent, once, u.User)
		}
	})
}

// BenchmarkWithoutCredentials shows with its last ones, of the largest size that an event has, that the time grows with the length alone.
func BenchmarkWithoutCredentials(b *testing.B) {
	const size = 32 << 10
	for name, sent := range map[string]string{
		"none": "https://shop.example/account/login?next=/cart", "some": "https://user:pw@shop.example/account/login?next=/cart",
		"schemes": "@" + strings.Repeat("http:", size/5), "ports": "@" + strings.Repeat("http:x:y&", size/9), "slashes": "@" + strings.Repeat("//", size/2),
		"users": strings.Repeat("//u:p@", size/6), "percents": "@" + strings.Repeat("%25", size/3),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(sent)))
			b.ReportAllocs()
			for b.Loop() {
				withoutCredentials(sent)
			}
		})
	}
}
