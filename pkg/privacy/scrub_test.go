package privacy

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

const (
	webToken = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	apiKey   = "sk_live_51H8xYzAbCdEfGhIj" // of the shape of one
)

func TestScrub(t *testing.T) {
	for text, want := range map[string]string{
		// Addresses.
		"jane.doe@example.com":                    "[email]",
		"Mail to <jane+x@mail.example.co.uk>.":    "Mail to <[email]>.",
		"mailto:jane@example.com?":                "mailto:[email]?",
		"/users/jane%40example.com/edit":          "/users/[email]/edit",
		"/users/jane%2540example.com":             "/users/[email]",
		"jane&#64;example.com and j&commat;x.org": "[email] and [email]",
		"jane&#x40;example&period;com":            "[email]",
		"ｊａｎｅ＠ｅｘａｍｐｌｅ．ｃｏｍ":                        "[email]",
		"%EF%BD%8A%EF%BC%A0example.com":           "[email]",
		"jörg.müller@bücher.example":              "[email]",
		"a@b.io,c@d.io":                           "[email],[email]",
		"written to jane.doe@exam":                "written to [email]", // a limit has cut it off
		"o'neill@example.com":                     "[email]",
		"'jane@example.com'":                      "'[email]'",
		// Cards, with numbers that issuers publish for tests.
		"4242 4242 4242 4242":               "[card]",
		"Card 4111111111111111 declined":    "Card [card] declined",
		"5555-5555-5555-4444":               "[card]",
		"3782 822463 10005":                 "[card]",
		"378282246310005":                   "[card]",
		"6011111111111117":                  "[card]",
		"2223003122003222":                  "[card]",
		"3056 930902 5904":                  "[card]",
		"4242%204242%204242%204242":         "[card]",
		"４２４２４２４２４２４２４２４２":                  "[card]",
		"6304000000000000":                  "[card]",
		"4111111111111111,4242424242424242": "[card],[card]",
		// Phones.
		"+1 (212) 555-0123":          "[phone]",
		"call +4915112345678 now":    "call [phone] now",
		"+49 30 / 123 45 67":         "[phone]",
		"电话+44 20 7946 0958":         "电话[phone]",
		"(212) 555-0123":             "[phone]",
		"212-555-0123":               "[phone]",
		"212.555.0123":               "[phone]",
		"1-212-555-0123":             "[phone]",
		"%2B4915112345678":           "[phone]",
		"tel:49301234567":            "tel:[phone]",
		"&plus;4915112345678":        "[phone]",
		"＋４９１５１１２３４５６７８":             "[phone]",
		"Jane, 212-555-0123, called": "Jane, [phone], called",
		// Tokens.
		"/reset/" + webToken + "/x":                                  "/reset/[token]/x",
		"Bearer " + webToken:                                         "Bearer [token]",
		"/hook/" + apiKey:                                            "/hook/[token]",
		"ghp_16C7e42F292c6912E7710c838347Ae178B4a":                   "[token]",
		"AKIAIOSFODNN7EXAMPLE":                                       "[token]",
		"/t/5f4dcc3b5aa765d61d8327deb882cf99":                        "/t/[token]",
		"/t/E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495":    "/t/[token]",
		"/verify/aGVsbG8gd29ybGQhIFRoaXMgaXMgYSB0ZXN0IDEyMzQ1Njc4":   "/verify/[token]",
		"/s/k3j4h5g6f7d8s9a0q1w2e3r4t5y6":                            "/s/[token]",
		"%65yJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqYW5lIn0":                 "[token]",
		"27b94442-e2a2-40dd-ab55-4384702273e4 " + apiKey:             "27b94442-e2a2-40dd-ab55-4384702273e4 [token]",
		"play-27b94442-e2a2-40dd-ab55-4384702273e4-ghp_x and " + "a": "play-27b94442-e2a2-40dd-ab55-4384702273e4-ghp_x and a",
	} {
		got, taken := Scrub(text)
		if got != want || taken != (got != text) {
			t.Errorf("%q: %q, %v, want %q", text, got, taken, want)
		}
	}
}

// What looks alike and is nobody's.
var innocent = []string{
	"", "@", "@jane", "jane@", "a @ b", "react@18.2.0", "foo@1.2.3-beta", "npm i @scope/name@2", "5 @ 10 each", "@media screen", "Tom & Jerry", "50% of 80%", "a%zz", "&#;", "&#xZZ;",
	// Orders, articles, accounts.
	"150428427078522", "Order 4000123412341235", "#1234567890123456", "order-4242424242424242-x", "INV-2024-000123", "SKU 0012345678905", "1234567812345678", "PO 450012345678", "9876543210",
	"4242424242424242424242", "A4111111111111111", "4111111111111111B", "x.4111111111111111", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "4111 1111 1111 1112",
	// Books, dates, times, versions, addresses of machines.
	"ISBN 978-3-16-148410-0", "9783161484100", "0-306-40615-2", "978 0 306 40615 7", "2024-01-02", "2024-01-02T03:04:05.678+02:00", "20240102T030405Z", "02.01.2024 03:04", "1551784021123",
	"1551784021000-124909-6f1c2b9e-8d34-4a57-b0c1-2f7e9a5d3c18", "1700000000", "72.0.3626.121", "v1.2.3-rc.4+build.20240102", "203.0.113.77", "2001:db8::ff00:42:8329", "00:1A:2B:3C:4D:5E",
	"10.0.19045.3803", "1,234,567.89", "+5 points", "+1", "C++ 11 and 14", "1+1=2", "555-0123", "12-345-6789", "123-456-7890x", "100-200-3000", "(123) 456-7890",
	// UUIDs in each spelling, and among others' digits.
	"27b94442-e2a2-40dd-ab55-4384702273e4", "27B94442-E2A2-40DD-AB55-4384702273E4", "110bcd25-a55d-453a-8046-1297901ea002", "41111111-1111-1111-1111-111111111111", "user_27b94442-e2a2-40dd-ab55-4384702273e4.pdf",
	"27b94442-e2a2-40dd-ab55-4384702273e4_110bcd25-a55d-453a-8046-1297901ea002",
	// Words.
	"getElementByIdAndSetAttributeValue2", "Walk-Through-For-New-Customers-2024", "iPhone15ProMaxWhiteEdition", "how-to-set-up-2-factor-auth-in-5-minutes-v2-part-3", "Q3-2024-ReportForEMEA-Region-V2",
	"Donaudampfschifffahrtsgesellschaft", "supercalifragilisticexpialidocious", "__NEXT_REDIRECT_ERROR_CODE__", "sk-learn-and-other-python-libraries", "V1StGXR8_Z5jdHi6B-myT",
	"eyJust", "2024-01-02-release-v1-2-3-of-app", "main.5f4dcc3b.js", "a1b2c3d4e5f6", "Übergrößenträger", "日本語のページ", "🙂🙃", "[email]", "[token][card]", "AB12CD34EF56", "window_width_1920_height_1080_dpr_2",
}

func TestScrubLeavesWhatLooksAlike(t *testing.T) {
	for _, text := range innocent {
		for _, around := range []string{"", "/", " ", "(", `"`, "看"} {
			if got, taken := Scrub(around + text + around); taken {
				t.Errorf("%q became %q", around+text+around, got)
			}
		}
	}
}

func TestScrubURL(t *testing.T) {
	keep := []string{"tab", "filter[]", "q"}
	for url, want := range map[string]string{
		"https://a.example/x":                                                "https://a.example/x",
		"https://a.example/x?":                                               "https://a.example/x?",
		"https://a.example/x#":                                               "https://a.example/x#",
		"https://a.example/x?tab=2":                                          "https://a.example/x?tab=2",
		"https://a.example/x?token=t":                                        "https://a.example/x",
		"https://a.example/x?token=t#top":                                    "https://a.example/x#top",
		"https://a.example/x?token=t&tab=2&sid=3&utm_source=news":            "https://a.example/x?tab=2&utm_source=news",
		"https://a.example/x?tab=2&token=t":                                  "https://a.example/x?tab=2",
		"https://a.example/x?tab=2;token=t;tab=3":                            "https://a.example/x?tab=2;tab=3",
		"https://a.example/x?filter[]=1&filter%5B%5D=2&Tab=3":                "https://a.example/x?filter[]=1&filter%5B%5D=2",
		"https://a.example/x?ta%62=2":                                        "https://a.example/x?ta%62=2",
		"https://a.example/x?&&token=t&&tab=1&":                              "https://a.example/x?tab=1",
		"https://a.example/x?secret":                                         "https://a.example/x",
		"https://a.example/x?q=jane@example.com":                             "https://a.example/x?q=[email]", // a parameter that is kept is scrubbed all the same
		"https://a.example/x?utm_term=jane%40example.com":                    "https://a.example/x?utm_term=[email]",
		"https://a.example/reset#token=5f4dcc":                               "https://a.example/reset",
		"https://a.example/cb#access_token=t&state=s&tab=1":                  "https://a.example/cb#tab=1",
		"https://a.example/#/route?token=t&tab=1":                            "https://a.example/#/route?tab=1",
		"https://a.example/#/route/jane@example.com":                         "https://a.example/#/route/[email]",
		"https://a.example/#!/route?token=t":                                 "https://a.example/#!/route",
		"https://a.example/#section-2":                                       "https://a.example/#section-2",
		"https://a.example/#token%3Dsecret":                                  "https://a.example/",
		"https://a.example/cart;jsessionid=1A530637289A03B07199A44E8D531427": "https://a.example/cart",
		"https://a.example/cart;v=1;tab=2/items;x":                           "https://a.example/cart;tab=2/items;x",
		"https://a.example/jane@example.com/x?tab=1":                         "https://a.example/[email]/x?tab=1",
		"?token=t": "", "#token=t": "", "": "", "/relative?token=t": "/relative", "about:blank": "about:blank",
	} {
		got, taken := ScrubURL(url, keep)
		if got != want || taken != (got != url) {
			t.Errorf("%q: %q, %v, want %q", url, got, taken, want)
		}
	}
	const all = "https://a.example/x?token=t&a#b=c"
	if got, _ := ScrubURL(all, []string{"*"}); got != all {
		t.Errorf("* keeps %q", got)
	}
	if got, _ := ScrubURL("https://a.example/x?utm_source=n&utm_x=1&v=2", nil); got != "https://a.example/x?utm_source=n&utm_x=1" {
		t.Errorf("by default %q is kept", got)
	}
}

func TestScrubJSON(t *testing.T) {
	for value, want := range map[string]string{
		``: ``, `{}`: `{}`, `{"plan":"pro","n":[1,2.5e3,true,null]}`: `{"plan":"pro","n":[1,2.5e3,true,null]}`,
		`{"to": "jane@example.com", "n": 1}`:                              `{"to": "[email]", "n": 1}`,
		`{"a":{"b":[["x",{"c":"+4915112345678"}]]}}`:                      `{"a":{"b":[["x",{"c":"[phone]"}]]}}`,
		`{"card":4111111111111111,"order":4000123412341}`:                 `{"card":"[card]","order":4000123412341}`,
		`{"jane@example.com":"jane@example.com"}`:                         `{"jane@example.com":"[email]"}`,
		`{"a":"jane\u0040example.com"}`:                                   `{"a":"[email]"}`,
		`{"a":"line\n4111111111111111"}`:                                  `{"a":"line\n[card]"}`,
		`{"link":"https://a.example/x?token=t&utm_a=1"}`:                  `{"link":"https://a.example/x?utm_a=1"}`,
		`{"link":" HTTPS://a.example/x#access_token=t"}`:                  `{"link":" HTTPS://a.example/x"}`,
		`{"_rest":"{\"mail\":\"jane@example.com\"}"}`:                     `{"_rest":"{\"mail\":\"[email]\"}"}`,
		`["jane@example.com"]`:                                            `["[email]"]`,
		`"jane@example.com"`:                                              `"[email]"`,
		`{"t":1551784021123,"id":"27b94442-e2a2-40dd-ab55-4384702273e4"}`: `{"t":1551784021123,"id":"27b94442-e2a2-40dd-ab55-4384702273e4"}`,
	} {
		got, taken := ScrubJSON([]byte(value), nil)
		if string(got) != want || taken != (string(got) != value) {
			t.Errorf("%s: %s, %v, want %s", value, got, taken, want)
		}
	}
}

// Whatever stands around something that must go, and in whichever spelling: it goes, what is around stays, and nothing is left to find.
func TestScrubProperties(t *testing.T) {
	secrets := rapid.SampledFrom([]string{"jane.doe@example.com", "+4915112345678", "4242424242424242", webToken, apiKey, "5f4dcc3b5aa765d61d8327deb882cf99"})
	quiet := rapid.StringMatching(`[ ,;()"äß日\n]{0,4}([a-z]{0,6}[ ,;()"äß日\n]){0,3}`)
	rapid.Check(t, func(rt *rapid.T) {
		secret, before, after := secrets.Draw(rt, "secret"), quiet.Draw(rt, "before"), quiet.Draw(rt, "after")
		if !strings.HasSuffix(before, " ") { // letters beyond ASCII are part of an address
			before += " "
		}
		spelled := secret
		switch rapid.IntRange(0, 3).Draw(rt, "spelling") {
		case 1:
			spelled = percentEncoded(secret)
		case 2:
			spelled = strings.NewReplacer("@", "&#64;", "+", "&#x2B;", ".", "&period;").Replace(secret)
		case 3:
			spelled = fullWidth(secret)
		}
		got, taken := Scrub(before + spelled + " " + after)
		if !taken || !strings.HasPrefix(got, before+"[") || !strings.HasSuffix(got, "] "+after) {
			rt.Fatalf("%q became %q", before+spelled+" "+after, got)
		}
	})
	rapid.Check(t, func(rt *rapid.T) { sound(rt, rapid.String().Draw(rt, "text")) })
}

func percentEncoded(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		const digits = "0123456789ABCDEF"
		b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
	}
	return b.String()
}

func fullWidth(s string) string {
	return strings.Map(func(c rune) rune {
		if c > ' ' && c < 0x7f {
			return c - '!' + '！'
		}
		return c
	}, s)
}

// sound tells whether scrubbing is: it says whether it changed anything, finds nothing more, keeps Unicode whole and JSON JSON.
func sound(t interface {
	Errorf(format string, args ...any)
}, text string) {
	got, taken := Scrub(text)
	if taken != (got != text) {
		t.Errorf("%q: says %v, is %q", text, taken, got)
	}
	if again, more := Scrub(got); more {
		t.Errorf("%q became %q and then %q", text, got, again)
	}
	if utf8.ValidString(text) && !utf8.ValidString(got) {
		t.Errorf("%q became %q", text, got)
	}
	url, _ := ScrubURL(text, []string{"tab"})
	if again, more := ScrubURL(url, []string{"tab"}); more {
		t.Errorf("as a URL %q became %q and then %q", text, url, again)
	}
	if value := jsontext.Value(text); value.IsValid() {
		clean, _ := ScrubJSON([]byte(text), nil)
		if !jsontext.Value(clean).IsValid() {
			t.Errorf("as JSON %q became %q", text, clean)
		}
	}
}

func FuzzScrub(f *testing.F) {
	for _, text := range append(innocent, "https://a.example/jane%40x.io;s=1/?a=b&tab=+4915112345678#"+webToken, `{"a":["4242 4242 4242 4242",4111111111111111]}`, "%2525252540", "a@b@c.de", "&#64&#64;x.io") {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { sound(t, text) })
}

// Hostile texts take time in proportion to their length.
func TestScrubIsLinear(t *testing.T) {
	for name, part := range map[string]string{
		"ats": "a@", "dots": "a.b@c.", "digits": "4 4 4 4 ", "pluses": "+1+1", "dashes": "4-", "hex": "a1", "percent": "%25", "entities": "&#6", "headers": "eyJ.", "parens": "(212) ", "semicolons": ";a=", "wide": "＠ａ", "groups": "212-555-",
	} {
		short, long := strings.Repeat(part, 500), strings.Repeat(part, 8_000)
		// Quadratic is 16 times as much as linear. What else the machine does only slows: who is once quick enough is not quadratic.
		most := 16 * 6 * max(taken(short), time.Microsecond)
		for deadline := time.Now().Add(5 * time.Second); taken(long) > most; {
			if time.Now().After(deadline) {
				t.Fatalf("%s: more than %v for %d bytes", name, most, len(long))
			}
		}
	}
}

// taken is the least time of a few tries.
func taken(text string) time.Duration {
	least := time.Hour
	for range 3 {
		started := time.Now()
		Scrub(text)
		ScrubURL(text, nil)
		least = min(least, time.Since(started))
	}
	return least
}

func BenchmarkScrub(b *testing.B) {
	for name, text := range map[string]string{
		"title": "Pink Alligator - ShopMe", "path": "/account/12345/orders/27b94442-e2a2-40dd-ab55-4384702273e4/edit", "percent": "/caf%C3%A9/order%20list", "an address": "/users/jane@example.com/edit",
		"8 KiB": strings.Repeat("the quick brown fox jumps over 13 lazy dogs; ", 182),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Scrub(text)
			}
			if allocs := testing.AllocsPerRun(100, func() { Scrub(text) }); name != "an address" && allocs != 0 {
				b.Fatalf("%v allocations", allocs)
			}
		})
	}
}
