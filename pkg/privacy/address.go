package privacy

import (
	"net/netip"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/clientip"
)

// AddressAtEdge is what of a client's address may reach Kafka and the spool; invalid is nothing.
func AddressAtEdge(p *account.Policy, addr netip.Addr) netip.Addr {
	if p.IPAt == account.AtEnricher {
		return addr
	}
	return AddressStored(p, addr)
}

// AddressStored is what of a client's address may be stored; invalid is nothing.
func AddressStored(p *account.Policy, addr netip.Addr) netip.Addr {
	if p.IP != account.MaskIP {
		return netip.Addr{}
	}
	return clientip.Mask(addr)
}

// AddressLocated is the address that an event is located by in the enricher: where addresses are to be masked at the edge, the masked one also for
// what an edge wrote whole before the policy said so.
func AddressLocated(p *account.Policy, addr netip.Addr) netip.Addr {
	if p.IP == account.MaskIP && p.IPAt == account.AtEnricher {
		return addr
	}
	return AddressStored(p, addr)
}
