package looks

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	settings "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"imkey-connect/devicesim/device"
	"imkey-connect/web/e2e/harness"
)

// picturesLimit is the maximum size of a picture in bytes. Every reader of the README downloads the pictures.
const picturesLimit = 120_000

// TestPictures draws the README's pictures during a real pairing. IMKEY_PICTURES=DIR writes them to a folder:
//
//	cd web/e2e && IMKEY_PICTURES=../../pictures go test -run Pictures ./looks
func TestPictures(t *testing.T) {
	t.Parallel()
	s := harness.NewSim(t, device.Options{
		Serial: "imKey01191200001", ConfirmBinding: true,
		Rand: rand.NewChaCha8([32]byte([]byte("the same pictures whoever draws!"))), // always the same code
	})
	b := s.StartBrowser(harness.BrowserOptions{Unplugged: true, Args: []string{"--hide-scrollbars"}})
	b.Open("/")
	b.Do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error { // a browser grants this to sites that are used
		_, err := chromedp.CallBrowser(ctx, settings.SetPermission, settings.SetPermissionParams{
			Permission: &settings.PermissionDescriptor{Name: "persistent-storage"}, Setting: "granted", Origin: s.URL,
		})
		return err
	}))
	b.Press("connect-simulated")
	b.WaitForState("recognised")
	b.Press("go-on")
	b.WaitForState("code")
	code := s.Device.Code()

	page := b.NewTab()
	page.Open("/device")
	page.WaitUntil("document.querySelector('.screen').textContent.includes(" + `"` + code + `")`)
	shown := picture(page, "light")
	s.Device.Home()
	require.NoError(t, s.Device.Simulated.Create(12))
	page.WaitUntil("document.querySelector('.screen').textContent.includes('Word 1 of 12')")
	words := picture(page, "dark")
	s.Device.Home()
	page.Close()

	b.Type(code[:5])
	entry := picture(b, "light")
	b.Type(code[5:] + "\r")
	s.WaitForQuestion()
	b.WaitForTextIn("[data-state=checking]", "pairing.waitingTitle")
	confirm := picture(b, "light")
	s.Device.Press(device.OK)
	b.WaitForState("bound")
	bound := picture(b, "light")

	for name, panels := range map[string][]image.Image{
		"pairing.png": {entry, confirm, bound},
		"device.png":  {shown, words},
	} {
		keep(t, name, panels)
	}
}

// keep checks a picture of panels side by side, and writes it if the pictures are drawn again.
func keep(t *testing.T, name string, panels []image.Image) {
	t.Helper()
	data := encode(t, sideBySide(panels))
	t.Logf("%s: %d bytes", name, len(data))
	require.Less(t, len(data), picturesLimit, name)
	if dir := os.Getenv("IMKEY_PICTURES"); dir != "" {
		require.NoError(t, os.MkdirAll(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
	}
}

// picture draws the page as a small screen shows it.
func picture(b *harness.Browser, scheme string) image.Image {
	b.T.Helper()
	b.SetScreen(390, scheme, true)
	r, err := chromedp.Run(b.Ctx, func(ctx context.Context, target *chromedp.Target) (page.CaptureScreenshotResult, error) {
		clip := page.Viewport{Width: 390, Height: 880, Scale: 1}
		return cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &clip})
	})
	require.NoError(b.T, err)
	picture, err := png.Decode(bytes.NewReader(r.Data))
	require.NoError(b.T, err)
	require.Equal(b.T, image.Pt(390, 880), picture.Bounds().Size())
	return picture
}

// sideBySide joins pictures.
func sideBySide(panels []image.Image) image.Image {
	const gap = 24
	var size image.Point
	for _, p := range panels {
		size.X += p.Bounds().Dx() + gap
		size.Y = max(size.Y, p.Bounds().Dy())
	}
	all := image.NewNRGBA(image.Rect(0, 0, size.X-gap, size.Y)) // transparent between them
	x := 0
	for _, p := range panels {
		draw.Draw(all, image.Rect(x, 0, x+p.Bounds().Dx(), p.Bounds().Dy()), p, p.Bounds().Min, draw.Src)
		x += p.Bounds().Dx() + gap
	}
	return all
}

// encode writes a picture as a PNG with its 255 most frequent colours and transparency.
func encode(t *testing.T, picture image.Image) []byte {
	count := map[color.Color]int{}
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			count[picture.At(x, y)]++
		}
	}
	colors := make([]color.Color, 0, len(count))
	for c := range count {
		colors = append(colors, c)
	}
	require.Greater(t, len(colors), 16, "the picture shows nothing")
	slices.SortFunc(colors, func(a, b color.Color) int {
		return cmp.Or(count[b]-count[a], strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	few := image.NewPaletted(picture.Bounds(), append(color.Palette{color.Transparent}, colors[:min(len(colors), 255)]...))
	draw.Draw(few, few.Bounds(), picture, image.Point{}, draw.Src)
	var out bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few))
	return out.Bytes()
}
