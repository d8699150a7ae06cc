package ethereum_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/tyler-smith/go-bip39"

	"imkey-connect/core/apdu"
	"imkey-connect/core/device"
	"imkey-connect/core/ethereum"
	"imkey-connect/core/hdkey/hdkeytest"
	"imkey-connect/core/hdpath"
	"imkey-connect/core/secp256k1"
	"imkey-connect/core/signing"
	"imkey-connect/core/transport/transporttest"
)

// open returns a device with a test wallet and a binder, in place of a device over USB and its binding.
func open(ctx context.Context) (*device.Device, signing.Binder) {
	wallet := hdkeytest.Master(bip39.NewSeed("inject kidney empty canal shadow pact comfort wife crush horse wife sketch", ""))
	element := hdkeytest.Master([]byte("a secure element"))
	link := transporttest.NewTable()
	link.Answer("00A4", "9000")
	link.Answer("80CB800005DFFF028101", "190600000002008600010100000000149000")
	link.Answer("80CA004400", "696D4B657930313139313230303030319000")
	link.On("8053", func(b []byte) []byte {
		cmd, err := apdu.Parse(b)
		if err != nil {
			return []byte{0x67, 0x00}
		}
		path, err := hdpath.Parse(string(cmd.Data))
		if err != nil {
			return []byte{0x6A, 0x80}
		}
		key := wallet.Derive(path)
		answer := append(key.Public(), key.ChainCode[:]...)
		digest := sha256.Sum256(answer)
		return append(append(answer, ecdsa.Sign(element.Private, digest[:]).Serialize()...), 0x90, 0x00)
	})
	go link.Play(ctx)
	d, err := device.Open(ctx, link, nil)
	if err != nil {
		log.Fatal(err)
	}
	return d, signing.Unbound(secp256k1.PublicKey(element.Public()))
}

// The path of the third account differs between wallets.
func ExampleBIP44() {
	fmt.Println(ethereum.BIP44(2))
	fmt.Println(ethereum.LedgerLive(2))
	fmt.Println(ethereum.Legacy(2))
	// Output:
	// m/44'/60'/0'/0/2
	// m/44'/60'/2'/0/0
	// m/44'/60'/0'/2
}

// One answer of the device is enough for a page of accounts.
func ExampleEthereum_Accounts() {
	ctx := context.Background()
	d, binder := open(ctx)
	defer d.Close()
	parent := ethereum.BIP44(0)[:4] // m/44'/60'/0'/0
	accounts, err := ethereum.New(d, binder).Accounts(ctx, parent, 0, 2)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range accounts {
		fmt.Println(a.Path, a.Address)
	}
	// Output:
	// m/44'/60'/0'/0/0 0x6031564e7b2F5cc33737807b2E58DaFF870B590b
	// m/44'/60'/0'/0/1 0x80427Ae1f55bCf60ee4CD2db7549b8BC69a74303
}

// A watch-only wallet gets the extended public key once, and derives addresses without the device.
func ExampleEthereum_ExtendedKey() {
	ctx := context.Background()
	d, binder := open(ctx)
	defer d.Close()
	parent := ethereum.BIP44(0)[:4] // m/44'/60'/0'/0
	key, err := ethereum.New(d, binder).ExtendedKey(ctx, parent)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(key)
	child, err := key.Child(0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ethereum.AddressOf(child.PublicKey))
	// Output:
	// xpub6DxJpHiuhfmtHngDV6CYku16kybUS9FBQHtKcpwJX4vregGzX4rfyG5yiHTQiyLSpRKD64Re6sagnPjAbnGPS8SYCgSKdzJTriRSjubu73D
	// 0x6031564e7b2F5cc33737807b2E58DaFF870B590b
}

// This example finds the sender of a raw transaction: the example of EIP-155.
func ExampleParseTransaction() {
	raw, err := hex.DecodeString("f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080" +
		"25a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83")
	if err != nil {
		log.Fatal(err)
	}
	tx, signature, err := ethereum.ParseTransaction(raw)
	if err != nil {
		log.Fatal(err)
	}
	digest, err := tx.SignHash()
	if err != nil {
		log.Fatal(err)
	}
	from, err := signature.Recover(digest)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("chain", tx.ChainID, "nonce", tx.Nonce, "from", from, "to", tx.To)
	// Output:
	// chain 1 nonce 9 from 0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F to 0x3535353535353535353535353535353535353535
}

// A site finds out which account signed a message.
func ExampleSignature_Recover() {
	signed, err := hex.DecodeString("d928f76ad80d63003c189b095078d94ae068dc2f18a5cafd97b3a630d7bc4746" +
		"5bd6f1e74de2e88c05b271e1c5a8b93564d9d8842c207482b20634d68f2d54e51b")
	if err != nil {
		log.Fatal(err)
	}
	signature := ethereum.Signature{R: [32]byte(signed[:32]), S: [32]byte(signed[32:64]), YParity: signed[64] - 27}
	from, err := signature.Recover(ethereum.HashMessage([]byte("Hello imKey")))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(from)
	// Output:
	// 0x6031564e7b2F5cc33737807b2E58DaFF870B590b
}
