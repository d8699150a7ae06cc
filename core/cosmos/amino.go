package cosmos

import (
	"crypto/sha256"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"imkey-connect/core/base64"
	"imkey-connect/core/errcode"
)

// place is where errors of a document are.
const place = "document"

// MaxDocument is the largest number of bytes of a document. The device gets only its hash; this bounds the work.
const MaxDocument = 1 << 20

// maxDepth is the largest number of levels of an amino document.
const maxDepth = 32

// ParseAmino reads an amino document, given as a tree of Go values: map[string]any, []any, string, bool, float64 of a whole number, and
// nil. The sign bytes are its canonical JSON: keys in order, no white space, &, < and > escaped, so no order and no duplicate that a page
// writes can differ from what is shown. It has the fields chain_id, account_number, sequence, fee, msgs and memo, and may have
// timeout_height. Errors have code invalid-argument.
func ParseAmino(document any) (*Document, error) {
	var err error
	d := &Document{}
	if d.signBytes, err = appendJSON(nil, document, 0); err != nil {
		return nil, err
	}
	if len(d.signBytes) > MaxDocument {
		return nil, errcode.Invalid(place, "more than 1048576 bytes")
	}
	r := &reader{}
	o := r.object(document, "the document", "chain_id", "account_number", "sequence", "fee", "msgs", "memo", "timeout_height?")
	d.ChainID, d.Memo = r.string(o["chain_id"]), r.string(o["memo"])
	r.number(o["account_number"])
	r.number(o["sequence"])
	if height, ok := o["timeout_height"]; ok {
		r.number(height)
	}
	fee := r.object(o["fee"], "fee", "amount", "gas", "payer?", "granter?")
	coins := r.coins(fee["amount"])
	gas := r.number(fee["gas"])
	payer, granter := "", ""
	if v, ok := fee["payer"]; ok {
		payer = r.string(v)
	}
	if v, ok := fee["granter"]; ok {
		granter = r.string(v)
	}
	for _, v := range r.list(o["msgs"]) {
		m := r.object(v, "a message", "type", "value")
		r.amino(d, r.string(m["type"]), m["value"])
	}
	if r.reason != "" {
		return nil, errcode.Invalid(place, r.reason)
	}
	if d.arbitrary {
		if len(d.messages) != 1 || d.ChainID != "" || d.Memo != "" || gas != "0" || len(coins) != 0 || r.number(o["account_number"]) != "0" ||
			r.number(o["sequence"]) != "0" || payer+granter != "" {
			return nil, errcode.Invalid(place, "a message of ADR-36 has nothing that a transaction has")
		}
	}
	return d, d.finish(coins, payer, granter)
}

// Hash is what is signed: SHA-256 of the sign bytes.
func (d *Document) Hash() [32]byte { return sha256.Sum256(d.signBytes) }

// SignBytes returns the bytes that are signed.
func (d *Document) SignBytes() []byte { return slices.Clone(d.signBytes) }

// appendJSON writes a value as cosmjs and the Cosmos SDK do.
func appendJSON(b []byte, v any, depth int) ([]byte, error) {
	if depth > maxDepth || len(b) > MaxDocument {
		return nil, errcode.Invalid(place, "nested too deep, or too long")
	}
	var err error
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case float64:
		// A fraction has more than one form in JSON. Amino writes amounts as strings.
		if v != math.Trunc(v) || math.Abs(v) > 1<<53-1 {
			return nil, errcode.Invalid(place, "a number that is not whole or not exact")
		}
		return strconv.AppendInt(b, int64(v), 10), nil
	case string:
		return appendText(b, v)
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item, depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	case map[string]any:
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		sort(keys)
		b = append(b, '{')
		for i, key := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendText(b, key); err != nil {
				return nil, err
			}
			if b, err = appendJSON(append(b, ':'), v[key], depth+1); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
	return nil, errcode.Invalid(place, "a value that JSON does not have")
}

// sort sorts texts by heapsort. A document can have tens of thousands of names, and slices.Sort is larger.
func sort(texts []string) {
	down := func(at, n int) {
		for {
			child := 2*at + 1
			if child >= n {
				return
			}
			if child+1 < n && texts[child] < texts[child+1] {
				child++
			}
			if texts[at] >= texts[child] {
				return
			}
			texts[at], texts[child] = texts[child], texts[at]
			at = child
		}
	}
	for i := len(texts)/2 - 1; i >= 0; i-- {
		down(i, len(texts))
	}
	for n := len(texts) - 1; n > 0; n-- {
		texts[0], texts[n] = texts[n], texts[0]
		down(0, n)
	}
}

// appendText writes a string. It refuses the characters that libraries write in different ways: control characters, and the line
// separators U+2028 and U+2029.
func appendText(b []byte, s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return nil, errcode.Invalid(place, "text that is not UTF-8")
	}
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c == '\n':
			b = append(b, '\\', 'n')
		case c == '&' || c == '<' || c == '>':
			b = append(b, `\u00`...)
			b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
		case c < ' ' || c == 0x2028 || c == 0x2029:
			return nil, errcode.Invalid(place, "a control character")
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"'), nil
}

// reader reads a tree. The first thing that is wrong stays in reason.
type reader struct{ reason string }

func (r *reader) fail(reason string) {
	if r.reason == "" {
		r.reason = reason
	}
}

// object reads an object with these fields and no others. Those that end with ? may be absent.
func (r *reader) object(v any, name string, fields ...string) map[string]any {
	o, ok := v.(map[string]any)
	if !ok {
		r.fail(name + " is not an object")
	}
	found := 0
	for _, field := range fields {
		optional := field[len(field)-1] == '?'
		if optional {
			field = field[:len(field)-1]
		}
		if _, ok := o[field]; ok {
			found++
		} else if !optional {
			r.fail(name + " has no field " + field)
		}
	}
	if found != len(o) {
		r.fail(name + " has a field that is not known there")
	}
	return o
}

func (r *reader) list(v any) []any {
	list, ok := v.([]any)
	if !ok {
		r.fail("not a list where one is expected")
	}
	return list
}

func (r *reader) string(v any) string {
	s, ok := v.(string)
	if !ok {
		r.fail("not a string where one is expected")
	}
	return s
}

// number reads a whole number that is written as a string.
func (r *reader) number(v any) string {
	s := r.string(v)
	if !whole(s) {
		r.fail("not a whole number in a string where one is expected")
	}
	return s
}

// whole reports whether a text is a whole number in its shortest form, with at most 78 digits.
func whole(s string) bool {
	if len(s) == 0 || len(s) > 78 || s[0] == '0' && len(s) > 1 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (r *reader) coin(v any) coin {
	o := r.object(v, "an amount", "denom", "amount")
	c := coin{r.string(o["denom"]), r.number(o["amount"])}
	if !denomination(c.denom) {
		r.fail("an amount of a coin that no chain has")
	}
	return c
}

func (r *reader) coins(v any) (coins []coin) {
	for _, item := range r.list(v) {
		coins = append(coins, r.coin(item))
	}
	return coins
}

// amino reads a message of a known type into d, or says of another one its type.
func (r *reader) amino(d *Document, kind string, v any) {
	text := func(o map[string]any, name string) string { return r.string(o[name]) }
	switch kind {
	case "cosmos-sdk/MsgSend":
		o := r.object(v, kind, "from_address", "to_address", "amount")
		d.send(text(o, "from_address"), text(o, "to_address"), r.coins(o["amount"]))
	case "cosmos-sdk/MsgDelegate", "cosmos-sdk/MsgUndelegate":
		o := r.object(v, kind, "delegator_address", "validator_address", "amount")
		d.delegate(kind == "cosmos-sdk/MsgDelegate", text(o, "delegator_address"), text(o, "validator_address"), r.coin(o["amount"]))
	case "cosmos-sdk/MsgWithdrawDelegationReward":
		o := r.object(v, kind, "delegator_address", "validator_address")
		d.claim(text(o, "delegator_address"), text(o, "validator_address"))
	case "cosmos-sdk/MsgVote":
		o := r.object(v, kind, "proposal_id", "voter", "option")
		option, _ := o["option"].(float64)
		d.vote(text(o, "voter"), r.number(o["proposal_id"]), int64(option))
	case "cosmos-sdk/MsgTransfer":
		o := r.object(v, kind, "source_port", "source_channel", "token", "sender", "receiver", "timeout_height", "timeout_timestamp?", "memo?")
		memo := ""
		if m, ok := o["memo"]; ok {
			memo = r.string(m)
		}
		d.transfer(text(o, "sender"), text(o, "receiver"), text(o, "source_port"), text(o, "source_channel"), memo, r.coin(o["token"]))
	case "sign/MsgSignData":
		o := r.object(v, kind, "signer", "data")
		d.arbitrary = true
		d.add(message{kind: Arbitrary, signer: text(o, "signer"), payment: "Sign a message", receiver: text(o, "signer"), blind: true})
		data := r.string(o["data"])
		// One text for the bytes, so that no other is signed than the one that a program checks.
		b, ok := base64.Decode(data)
		if !ok || len(b) == 0 || base64.Encode(b) != data {
			r.fail("data that is empty, or not in base64")
		}
	default:
		d.other(kind)
	}
}
