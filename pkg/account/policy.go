package account

import (
	"fmt"
	"slices"
)

// A Policy is what an account allows to be stored. The zero value is the strictest one.
type Policy struct {
	// Identification says which end-user identifier is stored as user_id.
	Identification Identification `yaml:"identification"`
	// CollectURL stores url, url_host, url_path and referrer.
	CollectURL bool `yaml:"collect_url"`
	// CollectTitle stores page_title.
	CollectTitle bool `yaml:"collect_title"`
}

// Identification is an account's end-user identification setting.
type Identification string

const (
	// IdentifyNone stores no user id.
	IdentifyNone Identification = "none"
	// IdentifyGenerated stores the visitor's anonymous id, whatever the client sends.
	IdentifyGenerated Identification = "generated"
	// The others store the id their provider gave, and the visitor's anonymous id where it gave none.
	IdentifyCookie   Identification = "cookie"
	IdentifyVariable Identification = "variable"
	IdentifyElement  Identification = "element"
	IdentifyIDP      Identification = "idp"
	IdentifyCRM      Identification = "crm"
)

var identifications = []Identification{IdentifyNone, IdentifyGenerated, IdentifyCookie, IdentifyVariable, IdentifyElement, IdentifyIDP, IdentifyCRM}

// Accepts tells whether a user id that came from provider may be stored under the setting. An empty provider is one that the client
// did not name: the chosen one.
func (i Identification) Accepts(provider string) bool {
	return i.Stores() && i != IdentifyGenerated && (provider == "" || provider == string(i))
}

// Stores tells whether the setting stores a user id at all, be it the visitor's anonymous one. What a later accounts file may say
// stores none.
func (i Identification) Stores() bool {
	return i != IdentifyNone && slices.Contains(identifications, i)
}

// validate fills what was left out with the strictest, and names the first member that is wrong.
func (p *Policy) validate() error {
	if p.Identification == "" {
		p.Identification = IdentifyNone
	}
	if !slices.Contains(identifications, p.Identification) {
		return fmt.Errorf("identification: want one of %v", identifications)
	}
	return nil
}
