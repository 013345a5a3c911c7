// Package clientip finds the address an HTTP request came from, and takes the host part off it.
package clientip

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// The headers that a proxy may name its hops in.
const (
	XForwardedFor = "X-Forwarded-For"
	Forwarded     = "Forwarded" // RFC 7239
)

// A Resolver knows which peers are proxies whose word counts, and in which header.
type Resolver struct {
	trusted []netip.Prefix
	header  string
}

// New takes the trusted proxies as addresses or CIDR prefixes, and the one header they write: XForwardedFor or Forwarded. The other
// is never read: a proxy passes on what it does not know, so a client could forge it.
func New(trusted []string, header string) (*Resolver, error) {
	if header != XForwardedFor && header != Forwarded {
		return nil, fmt.Errorf("header %q: want %s or %s", header, XForwardedFor, Forwarded)
	}
	r := &Resolver{header: header}
	for _, text := range trusted {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			addr, addrErr := netip.ParseAddr(text)
			if addrErr != nil {
				return nil, fmt.Errorf("trusted proxy %q: want an address or a CIDR prefix", text)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("trusted proxy %q: write IPv4 as IPv4", text)
		}
		r.trusted = append(r.trusted, prefix.Masked())
	}
	return r, nil
}

// maxHops bounds how much of a forged header is looked at.
const maxHops = 64

// ClientIP returns the address of the nearest hop that is not a trusted proxy. The peer's own address comes from the connection
// (remoteAddr, host:port). Only where it is a trusted proxy is the resolver's header read, from the right: each proxy appends the hop
// it saw, so whatever a client forges stands further left. A hop that cannot be read ends the search, and the last address found
// counts. The result is invalid only if remoteAddr is.
func (r *Resolver) ClientIP(remoteAddr string, h http.Header) netip.Addr {
	found := hop(remoteAddr)
	if !r.Trusts(found) {
		return found
	}
	hops := r.hops(h)
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		next := hop(hops[i])
		if !next.IsValid() {
			break
		}
		found = next
		if !r.Trusts(found) {
			break
		}
	}
	return found
}

// Trusts tells whether addr is a trusted proxy.
func (r *Resolver) Trusts(addr netip.Addr) bool {
	for _, prefix := range r.trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// hops lists what the proxies wrote, oldest first. Empty elements are none (RFC 9110 §5.6.1.2): some proxies leave a comma at an end.
func (r *Resolver) hops(h http.Header) []string {
	line := strings.Join(h.Values(r.header), ",")
	if line == "" {
		return nil
	}
	elements, address := strings.Split(line, ","), strings.TrimSpace
	if r.header == Forwarded {
		elements, address = split(line, ','), node
	}
	var out []string
	for _, element := range elements {
		if strings.TrimSpace(element) != "" {
			out = append(out, address(element))
		}
	}
	return out
}

// node returns the for parameter of one element of Forwarded; "" when there is none, or more than one.
func node(element string) string {
	found := ""
	for _, pair := range split(element, ';') {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || !strings.EqualFold(name, "for") {
			continue
		}
		if found != "" {
			return ""
		}
		found = strings.Trim(value, `"`)
	}
	return found
}

// split cuts text at sep, but not within a quoted string (RFC 9110 §5.6.4). A quote that is not closed runs to the end.
func split(text string, sep byte) []string {
	var out []string
	start, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == sep && !quoted:
			out = append(out, text[start:i])
			start = i + 1
		}
	}
	return append(out, text[start:])
}

// hop reads an address with or without port, brackets and zone; IPv4 in IPv6 becomes IPv4.
func hop(text string) netip.Addr {
	text = strings.TrimSpace(text)
	addr, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]"))
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}
		}
		addr = withPort.Addr()
	}
	return addr.Unmap().WithZone("")
}

// sixToFour addresses carry an IPv4 address in bits 16 to 48 (RFC 3056 §2).
var sixToFour = netip.MustParsePrefix("2002::/16")

// Mask zeroes the host part: IPv4 keeps 24 bits, IPv6 48. An IPv4 address within an IPv6 one keeps 24 bits at most, too: a mapped one
// (::ffff:0:0/96) becomes IPv4, and 6to4 keeps 16 + 24 bits. All other ways to embed one lie beyond the 48 bits, at least in its last
// octet: compatible (::/96), NAT64 (64:ff9b::/96, 64:ff9b:1::/48, RFC 6052 from /32 on), the client's in Teredo (2001::/32), ISATAP,
// and 6rd behind a prefix of 24 bits or more. An invalid address stays invalid.
func Mask(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	bits := 48
	switch {
	case addr.Is4():
		bits = 24
	case sixToFour.Contains(addr):
		bits = 16 + 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}
