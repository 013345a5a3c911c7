package erasure

import (
	"testing"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/segment"
)

// An alias names two ids of one person: whichever of them is erased, the link between them would tell the other.
func TestAnAliasIsAboutBothOfItsIDs(t *testing.T) {
	raw := &event.Raw{AccountID: "shop", Format: segment.Format("alias"), Value: []byte(`{"userId":"jane","previousId":"j.doe \"x\"","timestamp":"2026-11-25T10:00:00Z"}`)}
	sent := OfRaw(raw, []byte("shop|v"))
	stored := OfEnriched(&event.Enriched{
		AccountId: "shop", ItemType: event.UserItem, Event: "alias", UserId: "jane", VisitorId: "v", Detail: []byte(`{"previous_id":"j.doe \"x\""}`),
	})
	key := newKey("a secret of thirty-two characters")
	for name, of := range map[string]Subject{"as it was sent": sent, "as it is stored": stored} {
		for _, id := range []string{"jane", `j.doe "x"`} {
			for _, kind := range []Kind{User, Visitor} {
				if kind == Visitor && id == "jane" {
					continue // a user's id is no visitor's
				}
				set := NewSet(map[string]*Tombstone{"t": {Account: "shop", Kind: kind, Key: key.Fingerprint, Digest: key.Digest("shop", kind, id), Mode: Erase, Suppress: true}}, Keys{key})
				if set.Judge(&of) != Drop {
					t.Errorf("%s: %s %q is not found in it", name, kind, id)
				}
			}
		}
	}
	// What is called so elsewhere is a property like others.
	if of := OfEnriched(&event.Enriched{ItemType: "custom", Event: "track", Detail: []byte(`{"previous_id":"x"}`)}); of.Users[2] != "" {
		t.Error("a property was taken for an id")
	}
}
