package demo

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/waymark-events/waymark/pkg/useragent/sample"
)

// An agent is a browser: its User-Agent and, for Chromium, the Client Hints it sends beside it.
type agent struct {
	userAgent string
	browser   string // as the recorder names it: "Chrome 140.0.0.0"
	mobile    bool
	hints     http.Header
	weight    float64
}

// agents are the real browsers of pkg/useragent/sample with their shares, and one crawler.
var agents = sync.OnceValues(func() ([]agent, error) {
	list, err := sample.Weighted()
	if err != nil {
		return nil, err
	}
	out := []agent{newAgent("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", 0.003)}
	for _, a := range list {
		out = append(out, newAgent(a.UA, a.Weight))
	}
	return out, nil
})

var (
	chromium = regexp.MustCompile(`Chrome/(\d+)\.[\d.]+`)
	named    = regexp.MustCompile(`(EdgA?|OPR|SamsungBrowser|Firefox|CriOS|FxiOS|Version|Chrome)/([\d.]+)`)
)

// brands are the names of the products in named, in the recorder's words and in the hints'.
var brands = map[string]struct{ short, hint string }{
	"Edg": {"Edge", "Microsoft Edge"}, "EdgA": {"Edge", "Microsoft Edge"}, "CriOS": {"Chrome", ""}, "FxiOS": {"Firefox", ""}, "OPR": {"Opera", "Opera"}, "SamsungBrowser": {"Samsung Internet", "Samsung Internet"},
	"Firefox": {"Firefox", ""}, "Version": {"Safari", ""}, "Chrome": {"Chrome", "Google Chrome"},
}

func newAgent(userAgent string, weight float64) agent {
	a := agent{userAgent: userAgent, weight: weight, mobile: strings.Contains(userAgent, "Mobile")}
	// The most telling product is the last one that is neither Chrome itself nor a mere version.
	product, version := "", ""
	for _, m := range named.FindAllStringSubmatch(userAgent, -1) {
		if product == "" || product == "Chrome" || m[1] != "Chrome" && m[1] != "Version" {
			product, version = m[1], m[2]
		}
	}
	if product != "" {
		a.browser = brands[product].short + " " + version
	}
	if m := chromium.FindStringSubmatch(userAgent); m != nil {
		a.hints = hints(a, m[1], brands[product].hint, version)
	}
	return a
}

// hints are what Chromium sends unasked, and the platform's version, which a site can ask for
// (https://wicg.github.io/ua-client-hints/).
func hints(a agent, engine, brand, version string) http.Header {
	major, _, _ := strings.Cut(version, ".")
	list := fmt.Sprintf(`"Chromium";v="%s", "%s";v="%s", "Not?A_Brand";v="8"`, engine, brand, major)
	h := http.Header{}
	h.Set("Sec-CH-UA", list)
	h.Set("Sec-CH-UA-Mobile", map[bool]string{false: "?0", true: "?1"}[a.mobile])
	platform, platformVersion := `"Linux"`, `"6.14.0"`
	switch {
	case strings.Contains(a.userAgent, "Windows"):
		platform, platformVersion = `"Windows"`, `"15.0.0"`
	case strings.Contains(a.userAgent, "Macintosh"):
		platform, platformVersion = `"macOS"`, `"15.6.1"`
	case strings.Contains(a.userAgent, "Android"):
		platform, platformVersion = `"Android"`, `"15.0.0"`
		h.Set("Sec-CH-UA-Model", `"Pixel 8"`)
	}
	h.Set("Sec-CH-UA-Platform", platform)
	h.Set("Sec-CH-UA-Platform-Version", platformVersion)
	return h
}
