package e2e

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
)

// picturesLimit is the most bytes of one picture, which everybody who reads the README downloads.
const picturesLimit = 120_000

// The README's pictures are of a pairing as it happens. IMKEY_PICTURES=DIR writes them:
//
//	cd web/e2e && IMKEY_PICTURES=../pictures go test -run Pictures .
func TestPictures(t *testing.T) {
	t.Parallel()
	s := newSim(t, device.Options{
		Serial: "imKey01191200001", ConfirmBinding: true,
		Rand: rand.NewChaCha8([32]byte([]byte("the same pictures whoever draws!"))), // the code in them is nobody's
	})
	b := s.browse(browserOptions{unplugged: true, args: []string{"--hide-scrollbars"}})
	b.open("/")
	b.do(chromedp.Func(func(ctx context.Context, target *chromedp.Target) error { // as a browser does for a site that is used
		_, err := chromedp.CallBrowser(ctx, settings.SetPermission, settings.SetPermissionParams{
			Permission: &settings.PermissionDescriptor{Name: "persistent-storage"}, Setting: "granted", Origin: s.url,
		})
		return err
	}))
	b.press("connect-simulated")
	b.state("recognised")
	b.press("go-on")
	b.state("code")
	code := s.code()

	page := b.tab()
	page.open("/device")
	page.until("document.querySelector('.screen').textContent.includes(" + `"` + code + `")`)
	shown := page.picture("light")
	require.NoError(t, s.device.Home())
	require.NoError(t, s.device.Create(12))
	page.until("document.querySelector('.screen').textContent.includes('Word 1 of 12')")
	words := page.picture("dark")
	require.NoError(t, s.device.Home())
	page.close()

	b.keys(code[:5])
	entry := b.picture("light")
	b.keys(code[5:] + "\r")
	s.is(func(s device.Status) bool { return s.Asking })
	b.until(`document.querySelector('[data-state="checking"]')?.innerText.includes('Look at your imKey')`)
	confirm := b.picture("light")
	require.NoError(t, s.device.Press(device.OK))
	b.state("bound")
	bound := b.picture("light")

	for name, panels := range map[string][]image.Image{
		"pairing.png": {entry, confirm, bound},
		"device.png":  {shown, words},
	} {
		data := encode(t, sideBySide(panels))
		t.Logf("%s: %d bytes", name, len(data))
		require.Less(t, len(data), picturesLimit, name)
		if dir := os.Getenv("IMKEY_PICTURES"); dir != "" {
			require.NoError(t, os.MkdirAll(dir, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o644))
		}
	}
}

// picture draws the page as a small screen shows it.
func (b *browser) picture(scheme string) image.Image {
	b.t.Helper()
	b.screen(390, scheme, true)
	r, err := chromedp.Run(b.ctx, func(ctx context.Context, target *chromedp.Target) (page.CaptureScreenshotResult, error) {
		clip := page.Viewport{Width: 390, Height: 880, Scale: 1}
		return cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &clip})
	})
	require.NoError(b.t, err)
	picture, err := png.Decode(bytes.NewReader(r.Data))
	require.NoError(b.t, err)
	require.Equal(b.t, image.Pt(390, 880), picture.Bounds().Size())
	return picture
}

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

// encode writes a picture with the 255 colours that it has most of, and transparency.
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
