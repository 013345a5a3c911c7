package traffic

import (
	_ "embed"
	"strings"
)

var (
	//go:embed data/referrers.txt
	referrersText string
	// appsText are Android apps, which send android-app://PACKAGE as their referrer.
	//go:embed data/apps.txt
	appsText string
	//go:embed data/mail.txt
	mailText string
)

// Hosts are those of the lists. A search engine is its host alone, since other services lie beside it; a social network is all of its subdomains.
type hosts struct {
	exact   map[string]string // host → source
	domains map[string]bool   // of social networks
	ends    map[string]string // "google." → source: any country's ending
	begins  map[string]string // ".search.yahoo.com" → source: any country's short code before it
}

var known = parse()

func parse() *hosts {
	h := &hosts{make(map[string]string), make(map[string]bool), make(map[string]string), make(map[string]string)}
	for line := range strings.Lines(referrersText) {
		source, host, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found {
			continue
		}
		if before, is := strings.CutSuffix(host, "{}"); is {
			h.ends[before] = source
		} else if after, is := strings.CutPrefix(host, "{}"); is {
			h.begins[after] = source
		} else if source == Social {
			h.domains[host] = true
		} else if h.exact[host] != Referral {
			h.exact[host] = source
		}
	}
	// A network that has a search of its own is in both lists.
	for domain := range h.domains {
		delete(h.exact, domain)
	}
	for line := range strings.Lines(appsText) {
		if source, app, found := strings.Cut(strings.TrimSpace(line), " "); found {
			h.exact[app] = source
		}
	}
	for line := range strings.Lines(mailText) {
		h.exact[strings.TrimPrefix(strings.TrimSpace(line), "www.")] = Mail
	}
	return h
}

// mailers begin the hosts that companies and universities give their web mail.
var mailers = []string{"mail.", "webmail.", "outlook.", "owa.", "email.", "roundcube.", "zimbra."}

func (h *hosts) source(host string) string {
	host = strings.TrimPrefix(host, "www.")
	if source, found := h.exact[host]; found {
		return source
	}
	// Any country's ending: of one label, or of two such as co.uk.
	labels := strings.Split(host, ".")
	for _, ending := range []int{1, 2} {
		if len(labels) > ending && isEnding(labels[len(labels)-ending:]) {
			if source, found := h.ends[strings.Join(labels[:len(labels)-ending], ".")+"."]; found {
				return source
			}
		}
	}
	if code, rest, found := strings.Cut(host, "."); found && len(code) <= 3 {
		if source, found := h.begins["."+rest]; found {
			return source
		}
	}
	for domain := host; domain != ""; {
		if h.domains[domain] {
			return Social
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
	for _, begin := range mailers {
		if strings.HasPrefix(host, begin) {
			return Mail
		}
	}
	return Referral
}

// isEnding tells whether labels are a country's ending, as the lists mean it: two or three letters, or one of six before them.
func isEnding(labels []string) bool {
	last := labels[len(labels)-1]
	if len(last) < 2 || len(last) > 3 {
		return false
	}
	if len(labels) == 1 {
		return true
	}
	switch labels[0] {
	case "com", "org", "net", "co", "it", "edu":
		return true
	}
	return false
}
