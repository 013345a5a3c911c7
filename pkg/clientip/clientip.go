// Package clientip finds the address an HTTP request came from, and takes the host part off it.
package clientip

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// A Resolver knows which peers are proxies whose word counts.
type Resolver struct{ trusted []netip.Prefix }

// New takes the trusted proxies as addresses or CIDR prefixes.
func New(trusted []string) (*Resolver, error) {
	r := new(Resolver)
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
// (remoteAddr, host:port). Only where it is a trusted proxy are Forwarded (RFC 7239) or, without that, X-Forwarded-For read, from
// the right: each proxy appends the hop it saw, so whatever a client forges stands further left. A hop that cannot be read ends
// the search, and the last address found counts. The result is invalid only if remoteAddr is.
func (r *Resolver) ClientIP(remoteAddr string, h http.Header) netip.Addr {
	found := hop(remoteAddr)
	if !r.isTrusted(found) {
		return found
	}
	hops := forwarded(h)
	for i := len(hops) - 1; i >= max(0, len(hops)-maxHops); i-- {
		next := hop(hops[i])
		if !next.IsValid() {
			break
		}
		found = next
		if !r.isTrusted(found) {
			break
		}
	}
	return found
}

func (r *Resolver) isTrusted(addr netip.Addr) bool {
	for _, prefix := range r.trusted {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// forwarded lists the hops, oldest first, as the proxies wrote them.
func forwarded(h http.Header) []string {
	if lines := h.Values("Forwarded"); len(lines) > 0 {
		var hops []string
		for _, element := range strings.Split(strings.Join(lines, ","), ",") {
			node := "unknown"
			for _, pair := range strings.Split(element, ";") {
				if name, value, ok := strings.Cut(strings.TrimSpace(pair), "="); ok && strings.EqualFold(name, "for") {
					node = strings.Trim(value, `"`)
				}
			}
			hops = append(hops, node)
		}
		return hops
	}
	if lines := h.Values("X-Forwarded-For"); len(lines) > 0 {
		return strings.Split(strings.Join(lines, ","), ",")
	}
	return nil
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

// Mask zeroes the host part: IPv4 keeps 24 bits, IPv6 48. An invalid address stays invalid.
func Mask(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	prefix, err := addr.Prefix(bits)
	if err != nil {
		return netip.Addr{}
	}
	return prefix.Addr()
}
