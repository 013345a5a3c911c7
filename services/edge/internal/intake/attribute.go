package intake

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/event"
)

// attribute makes of the request's address and browser the end user's, as far as an event says them and may.
//
// A page cannot be believed to say its own address, and the connection says it anyway: neither where the request names an Origin, which browsers
// put on every POST, nor where the event's library is one that runs in pages. Of what such an event says only those hints count that the browser
// kept back. All others are servers and apps. Of a server the connection says nothing about the end user: what it does not name is not known. An
// app's connection is the end user's own, unless it names another. Whoever it is may ask not to be located, by the address 0.0.0.0 or ::.
func attribute(raw *event.Raw, said *event.Client, fromPage bool) {
	switch {
	case fromPage || said.Page:
		fillHints(&raw.Hints, &said.Hints)
	case said.App:
		if said.IP.IsValid() {
			raw.ClientIP = said.IP
		}
		if said.UserAgent != "" {
			raw.UserAgent, raw.Hints = cut(said.UserAgent), said.Hints
		}
	default:
		raw.ClientIP, raw.UserAgent, raw.Hints = said.IP, cut(said.UserAgent), said.Hints
		raw.DNT, raw.GPC = false, false
	}
	if said.IP.IsValid() && said.IP.IsUnspecified() {
		raw.ClientIP = netip.Addr{}
	}
}

// fillHints adds what the browser's headers left open. Brands and platform go together: of another browser they would describe none.
func fillHints(headers, said *event.Hints) {
	if headers.UA == "" {
		requestedWith := headers.RequestedWith
		*headers = *said
		headers.RequestedWith = requestedWith
		return
	}
	for _, hint := range [...]struct {
		header *string
		said   string
	}{
		{&headers.FullVersionList, said.FullVersionList}, {&headers.FullVersion, said.FullVersion}, {&headers.Model, said.Model},
		{&headers.PlatformVersion, said.PlatformVersion},
	} {
		if *hint.header == "" {
			*hint.header = hint.said
		}
	}
}
