// Package catalogue is the one list of error codes, with what each means and what a user reads about it.
//
// The constants of package errcode, the declarations and sentences of the JavaScript library, the sentences of the pages and the
// table in docs/errors.md are generated from it. To add a code or to change a sentence, edit this file and run
//
//	go generate ./core/errcode
//
// Nothing that is shipped imports this package, so imkey.wasm does not carry the sentences.
package catalogue

// Entry is one error code.
type Entry struct {
	// Code is the stable name, in lower-case words joined by "-". It is public: it is never renamed and keeps its meaning.
	Code string
	// Means completes "The code means that …". It is for developers, and becomes the documentation of the code.
	Means string
	// Wire says in which answer of the device the code comes from, or is empty.
	Wire string
	// Data says in Markdown what the error's data holds, or is empty.
	Data string
	// Retryable says whether the same call may succeed later without a change in the program: after the user unlocked,
	// reconnected or chose again.
	Retryable bool
	// Number is the integer code with which the EIP-1193 provider rejects, of EIP-1193 or EIP-1474. 0 is -32603, an internal error.
	Number int
	// Calm says that nothing failed: the user, or the page, stopped. Pages show it without red.
	Calm bool
	// Early says that a first pairing shows these sentences, too. They are then part of its download, whose size has a limit.
	Early bool
	// What says in one sentence what happened. The message of an error is What and Next.
	What Text
	// Next says in one sentence or two what the user can do.
	Next Text
	// OnPage takes the place of Next on this project's pages, where they can do more than a site that uses the library: they
	// continue by themselves, for example, and offer a report to copy. It is empty where Next fits.
	OnPage Text
	// Reasons are those values of data.reason for which the sentences above would mislead.
	Reasons []Reason
}

// Reason has the sentences for one value of data.reason.
type Reason struct {
	// Reason is the value, in lower-case words joined by "-".
	Reason string
	// What, Next and Early are as those of [Entry].
	What, Next Text
	Early      bool
}

// NextOnPage is what this project's pages say that the user can do: OnPage, or Next where that is empty.
func (e Entry) NextOnPage() Text {
	if e.OnPage != (Text{}) {
		return e.OnPage
	}
	return e.Next
}

// Message is the message of an error with the code, without what is for developers.
func (e Entry) Message() string { return e.What.English + " " + e.Next.English }

// Text is one text in every language of the pages. The Chinese is written as a Chinese speaker would put it, not translated word by
// word.
type Text struct {
	English, Chinese string
}

// Entries lists every code, in the order of the documentation.
var Entries = []Entry{
	{
		Code:  "unsupported",
		Means: "there is no WebUSB, no secure context, or no page that could ask the user",
		Data:  "`data.reason` says which, as `isSupported` does: it is `'service-worker'` in a service worker. It is `'no-page'` where the chooser or the binding dialog needs a page",
		What:  Text{"This browser cannot reach an imKey.", "本浏览器无法连接 imKey。"},
		Next: Text{
			"Use Chrome, Edge, Opera or Brave on a computer, or Chrome on Android, at an https address.",
			"请用电脑上的 Chrome、Edge、Opera 或 Brave，或 Android 上的 Chrome，以 https 网址打开。",
		},
		Reasons: []Reason{
			{
				Reason: "service-worker",
				What:   Text{"An imKey cannot be used in the background here.", "此处的后台程序无法使用 imKey。"},
				Next:   Text{"Open this site or extension in a tab. If it is in one already, ask its operator.", "请在标签页中打开本网站或扩展。若已如此，请告知其开发者。"},
			},
			{
				Reason: "no-page",
				What:   Text{"Only a page can ask for this, and there is none here.", "只有网页才能发出此询问，而此处没有网页。"},
				Next:   Text{"Open this site or extension in a tab, then try again.", "请在标签页中打开本网站或扩展，然后重试。"},
			},
		},
	},
	{
		Code:      "no-device",
		Means:     "no known device is plugged in",
		Retryable: true,
		Number:    4900,
		Calm:      true,
		What:      Text{"No imKey is plugged in.", "没有插入 imKey。"},
		Next:      Text{"Plug it in and wake it with a button, then try again.", "请插入设备并按键唤醒，然后重试。"},
	},
	{
		Code:      "request-cancelled",
		Means:     "the browser's chooser was closed without a choice; a browser does not say whether it was empty",
		Retryable: true,
		Number:    4001,
		Calm:      true,
		What:      Text{"No imKey was chosen.", "没有选择 imKey。"},
		Next: Text{
			"Try again. If the list was empty, wake the imKey with a button and check the cable: some only charge.",
			"请重试。如果列表是空的，请按键唤醒 imKey，并检查数据线：有的线只能充电。",
		},
	},
	{
		Code: "permission-denied",
		Means: "a permission was refused or revoked, or a Permissions-Policy or the system's access rights stand in the way (a udev rule " +
			"on Linux, a driver on Windows)",
		Data: "`data.reason` is `'permissions-policy'` where the page may not use USB, `'user-activation'` where the chooser was asked for outside a click, " +
			"and `'revoked'` where the permission was taken while the device was in use",
		Retryable: true,
		Number:    4100,
		// The pages add what to do on the system at hand: web/ui/words/errors.ts.
		What: Text{"The browser or the system does not let this page open the imKey.", "浏览器或系统不允许本页面打开 imKey。"},
		Next: Text{
			"Allow this site to use USB in the browser’s site settings, close programs that use the imKey, and plug it in again.",
			"请在浏览器的网站设置中允许本站使用 USB，关闭正在使用 imKey 的程序，然后重新插入。",
		},
		Reasons: []Reason{
			{
				Reason: "permissions-policy",
				What:   Text{"This page is not allowed to use USB.", "本页面未获准使用 USB。"},
				Next:   Text{"Open it in a tab of its own. If it is in one already, ask the operator of this page.", "请在单独的标签页中打开它。若已如此，请告知本网站。"},
			},
			{
				Reason: "user-activation",
				What:   Text{"The browser shows its list of devices only right after a click or a key press.", "浏览器只在点击或按键之后立即显示设备列表。"},
				Next:   Text{"Press the button again.", "请再按一次按钮。"},
			},
			{
				Reason: "revoked",
				What:   Text{"The browser does not let this page use the imKey any more.", "浏览器不再允许本页面使用 imKey。"},
				Next: Text{
					"If it still asks you something, press cancel on it. To go on, choose it again.",
					"如果它仍在询问，请在设备上按取消。要继续使用，请重新选择它。",
				},
			},
		},
	},
	{
		Code:  "not-imkey",
		Means: "the device has no matching interface, or does not answer like an imKey",
		What:  Text{"The chosen device does not answer like an imKey.", "所选设备的应答不像 imKey。"},
		Next:  Text{"Choose the entry named imKey. Nothing on the device was changed.", "请选择名为 imKey 的设备。设备上没有任何改动。"},
	},
	{
		Code:      "boot-loader",
		Means:     "the device is in its boot loader",
		Retryable: true,
		What:      Text{"Your imKey is in its boot loader.", "imKey 处于引导程序模式。"},
		Next: Text{
			"Finish its update in the vendor’s program, or restart it with its power button, then try again.",
			"请在厂商的程序中完成升级，或用电源键重启设备，然后重试。",
		},
	},
	{
		Code:      "device-disconnected",
		Means:     "the device was unplugged",
		Retryable: true,
		Number:    4900,
		What:      Text{"Your imKey was unplugged.", "imKey 已拔出。"},
		Next:      Text{"Plug it in again, then try again.", "请重新插入，然后重试。"},
		OnPage:    Text{"Plug it in again; this page goes on by itself.", "请重新插入，本页面会自动继续。"},
	},
	{
		Code:      "device-busy",
		Means:     "the device still carries out another operation",
		Wire:      "ERROR 06",
		Retryable: true,
		Number:    -32002,
		What:      Text{"Your imKey is still busy with something else.", "imKey 正忙于另一项操作。"},
		Next:      Text{"Finish or cancel what its screen shows, then try again.", "请完成或取消其屏幕上的操作，然后重试。"},
	},
	{
		Code:  "in-use-elsewhere",
		Means: "another tab or program holds the device",
		Data: "`data.holder` is `'tab'` for a tab of this site, which `open({ takeOver: true })` asks to release the device, and `'program'` for any " +
			"other holder. `data.reason` is `'no-answer'` where that tab was asked and did not answer because it sleeps, and `'taken-over'` where " +
			"this tab was asked",
		Retryable: true,
		Number:    -32002,
		What:      Text{"Another tab or program is using your imKey.", "另一个标签页或程序正在使用 imKey。"},
		Next:      Text{"Close it there, then try again.", "请先在那里关闭，然后重试。"},
		OnPage:    Text{"Close it there, then use it here.", "请先在那里关闭，再回到这里使用。"},
	},
	{
		Code:      "timeout",
		Means:     "the device did not answer in time",
		Retryable: true,
		What:      Text{"Your imKey did not answer in time.", "imKey 没有及时应答。"},
		Next:      Text{"Unplug it, plug it in again, then try again.", "请拔出后重新插入再试。"},
		OnPage: Text{
			"Unplug it, plug it in again, then try again. If a code was being checked, the next try shows whether it was accepted.",
			"请拔出后重新插入再试。若当时正在核对绑定码，重试后即可知道是否已绑定。",
		},
	},
	{
		Code:      "aborted",
		Means:     "the caller's signal stopped the call",
		Data:      "`data.reason` is `'page-hidden'` where the browser froze the page or put it into the back/forward cache, or asked it whether it may leave, as it also does for a download or a mail link",
		Retryable: true,
		Calm:      true,
		What:      Text{"This was stopped before it was done.", "已中途停止。"},
		Next:      Text{"Try again when you are ready.", "准备好后可以重试。"},
	},
	{
		Code:  "protocol",
		Means: "the device's answer is malformed, contradictory or wrongly signed",
		What:  Text{"Your imKey sent an answer that is wrong, so this page stopped.", "imKey 的应答有误，本页面已停止操作。"},
		Next:  Text{"Plug it in directly, without a hub, then try again.", "请不经集线器直接插入后重试。"},
		OnPage: Text{
			"Plug it in directly, without a hub, then try again. If it happens again, copy the report and ask for help.",
			"请不经集线器直接插入后重试。若再次出现，请复制诊断报告寻求帮助。",
		},
	},
	{
		Code:      "user-rejected",
		Means:     "the user rejected the request on the device",
		Wire:      "6940, or ERROR FE after a press of cancel",
		Retryable: true,
		Number:    4001,
		Calm:      true,
		What:      Text{"You rejected this on your imKey. Nothing was changed.", "你在 imKey 上选择了拒绝，没有任何改动。"},
		Next:      Text{"Try again if that was not what you wanted.", "如果并非本意，请重试。"},
	},
	{
		Code:  "code-format",
		Means: "the text is not a binding code; nothing was sent",
		Data: "`data.character` cannot be in a code; `data.position` counts from 1, and `data.hint` names the characters that may have been meant. " +
			"`data.reason` is `'character'` where there is no hint, and `'length'` where only the number of characters, `data.count`, is wrong",
		Retryable: true,
		What:      Text{"The code has no 0, O, 1 or I.", "绑定码中没有 0、O、1 和 I。"},
		Next:      Text{"Look again: it may be a Q, an L or a 7.", "请再看一遍：可能是 Q、L 或 7。"},
		Early:     true,
		Reasons: []Reason{
			{
				Reason: "length",
				What:   Text{"A binding code has 8 characters.", "绑定码有 8 个字符。"},
				Next:   Text{"Enter all that your imKey shows.", "请输入 imKey 显示的全部字符。"},
			},
			{
				Reason: "character",
				What:   Text{"The code has only the digits 2 to 9 and the letters A to Z.", "绑定码只含数字 2 到 9 和字母 A 到 Z。"},
				Next:   Text{"Enter the 8 characters that your imKey shows.", "请输入 imKey 显示的 8 个字符。"},
				Early:  true,
			},
		},
	},
	{
		Code:      "wrong-code",
		Means:     "the device has another binding code",
		Wire:      "A5 to IDENTITY_VERIFY",
		Retryable: true,
		What:      Text{"That is not the code on your imKey.", "这不是 imKey 上的绑定码。"},
		Next:      Text{"Compare each character and enter it again.", "请逐个核对字符后重新输入。"},
		Early:     true,
	},
	{
		Code:      "code-locked",
		Means:     "the device checks no more binding codes after too many wrong ones",
		Wire:      "6985 to IDENTITY_VERIFY",
		Retryable: true,
		What:      Text{"There were too many wrong codes, so your imKey does not check any more for now.", "绑定码错误次数过多，imKey 暂时不再核对。"},
		Next: Text{
			"Unlock it on the device with its PIN; without a PIN, hold its OK button. Then try again. Your wallet is safe.",
			"请在设备上输入 PIN 解锁；若未设 PIN，请长按其确认键。然后重试。钱包不受影响。",
		},
	},
	{
		Code:   "not-bound",
		Means:  "the operation needs a binding",
		Data:   "`data.reason` is `'not-remembered'` where there is a binding, but this browser does not keep its code, and `'unfinished'` where a binding cannot be exported because only the device knows whether its app key was changed: ask `bindingStatus` first",
		Number: 4100,
		What:   Text{"This browser is not bound to your imKey.", "本浏览器尚未与 imKey 绑定。"},
		Next:   Text{"Connect it and enter its binding code first.", "请先连接并输入绑定码。"},
		Reasons: []Reason{{
			Reason: "not-remembered",
			What:   Text{"This browser does not keep the binding code.", "本浏览器没有保存绑定码。"},
			Next:   Text{"Look where you wrote it down.", "请查看你抄写的记录。"},
		}, {
			Reason: "unfinished",
			What:   Text{"The key of this binding was being changed, and only your imKey knows whether that is done.", "此绑定的密钥更换尚未确认，只有 imKey 知道是否完成。"},
			Next:   Text{"Connect your imKey here once, then try again.", "请先在此连接一次 imKey，然后重试。"},
		}},
	},
	{
		Code:   "bound-elsewhere",
		Means:  "the device is bound to another app or browser",
		Wire:   "AA to BIND_CHECK",
		Number: 4100,
		What:   Text{"Your imKey is bound to another phone, browser or site.", "imKey 已绑定到另一部手机、另一个浏览器或网站。"},
		Next:   Text{"Try again to bind it here with the binding code that you wrote down.", "请重试，用你抄写的绑定码在此绑定。"},
	},
	{
		Code:   "untrusted-device",
		Means:  "no trusted CA signed the device's attestation certificate; nothing that depends on the binding code was sent",
		Data:   "`data.reason` is `'imported'` where the binding came from a file and the user of this browser has not accepted the device: `bindingStatus({ acceptUnverified: true })` does",
		Number: 4100,
		What: Text{
			"This device could not prove that it is a genuine imKey. Nothing was sent to it.",
			"此设备无法证明自己是正品 imKey。没有向它发送任何内容。",
		},
		Next: Text{"Continue only if you accept a device that cannot be verified.", "只有当你接受无法验证的设备时，才可继续。"},
		OnPage: Text{
			"Unplug it and do not use it with this computer. Try another cable and port; if that does not help, ask the seller.",
			"请拔出它，不要在这台电脑上使用。可换一根线和一个接口再试；若仍如此，请联系卖家。",
		},
		Reasons: []Reason{{
			Reason: "imported",
			What:   Text{"The binding of this imKey came from a file, and you have not accepted the device in this browser yet.", "此 imKey 的绑定来自导入的文件，而你尚未在本浏览器中接受该设备。"},
			Next:   Text{"Connect it on this site’s page for your imKey, and accept it there.", "请在本网站的 imKey 页面上连接它，并在那里接受。"},
		}},
	},
	{
		Code:   "device-mismatch",
		Means:  "the device has another secure element than the one that this browser bound, or the file is for another device",
		Data:   "`data.reason` is `'secure-element'` where the file is for a device that this browser knows with another secure element's key, and `'imported'` where the device has another one than the file of an imported binding says",
		Number: 4100,
		What:   Text{"The identity of this imKey is not the expected one, so this page stopped.", "此 imKey 的身份与预期不符，本页面已停止操作。"},
		Next:   Text{"Compare the serial numbers, and continue only with the right imKey.", "请核对序列号，只用正确的 imKey 继续。"},
		OnPage: Text{
			"Compare the serial number to make sure that it is your own imKey. If it is, and you know why its identity changed, forget this binding and bind it again with its code. Otherwise copy the report and ask for help.",
			"请核对序列号，确认是你自己的 imKey。只有确认无误并清楚变化的原因，才可移除此绑定，再用绑定码重新绑定；否则请复制诊断报告寻求帮助。",
		},
		Reasons: []Reason{{
			Reason: "imported",
			What:   Text{"The file that you imported is about another secure element than this imKey has, so this page stopped.", "你导入的文件所对应的安全芯片与这台 imKey 不同，本页面已停止操作。"},
			Next:   Text{"The file may be false. Forget the imported binding, and bind this imKey with its binding code.", "该文件可能是伪造的。请移除导入的绑定，再用绑定码绑定这台 imKey。"},
		}},
	},
	{
		Code:   "device-changed",
		Means:  "the device is not the one that the user was shown: its SEID, serial number, secure element's key, `certificate` or `certificateKey` changed meanwhile. Nothing that depends on the binding code was sent to it",
		Data:   "`data.reason` is `'record'` where the record that this browser has of the device was replaced meanwhile",
		Number: 4100,
		What:   Text{"This is not the imKey that you were shown before, so this page stopped.", "这已不是先前显示的那个 imKey，本页面已停止操作。"},
		Next:   Text{"Unplug it, check that nothing sits between it and the computer, and start again. Compare what is shown then.", "请拔下它，确认它与电脑之间没有其他设备，然后重新开始，并核对届时显示的内容。"},
		Reasons: []Reason{{
			Reason: "record",
			What:   Text{"What this browser stored about your imKey was replaced meanwhile, so this page stopped.", "本浏览器中关于此 imKey 的记录已被替换，本页面已停止操作。"},
			Next:   Text{"Nothing was changed. Look at this imKey again, then decide again.", "没有更改任何内容。请重新查看此 imKey，然后再决定。"},
		}},
	},
	{
		Code:      "locked",
		Means:     "the PIN has not been entered",
		Wire:      "F081",
		Retryable: true,
		What:      Text{"Your imKey is locked.", "imKey 已锁定。"},
		Next:      Text{"Enter its PIN on the device, then try again.", "请在设备上输入 PIN，然后重试。"},
		OnPage:    Text{"Enter its PIN on the device; this page goes on by itself.", "请在设备上输入 PIN，本页面会自动继续。"},
		Early:     true,
	},
	{
		Code:      "wallet-missing",
		Means:     "there is no wallet on the device yet",
		Wire:      "F000",
		Retryable: true,
		What:      Text{"Your imKey holds no wallet yet.", "imKey 中还没有钱包。"},
		Next: Text{
			"Create a wallet on the device, or restore one from its mnemonic phrase, then try again.",
			"请在设备上创建钱包，或用助记词恢复钱包，然后重试。",
		},
	},
	{
		Code:      "in-menu",
		Means:     "the device shows a menu; the operation needs its home page",
		Wire:      "F080",
		Retryable: true,
		What:      Text{"Your imKey shows a menu.", "imKey 正停留在菜单。"},
		Next:      Text{"Go back to its home page on the device, then try again.", "请在设备上返回主页，然后重试。"},
		OnPage:    Text{"Go back to its home page on the device; this page goes on by itself.", "请在设备上返回主页，本页面会自动继续。"},
		Early:     true,
	},
	{
		Code:  "applet-missing",
		Means: "the device does not have the applet",
		Wire:  "6A82 to SELECT",
		What:  Text{"Your imKey does not have the application that this needs.", "imKey 缺少所需的应用。"},
		Next:  Text{"Install it with the vendor’s program, then try again.", "请用厂商的程序安装，然后重试。"},
	},
	{
		Code:  "applet-outdated",
		Means: "the device's applet is too old for this",
		Data:  "`data` is `{ applet, version, needed }`: the applet's name, its version and the first that can do this",
		What:  Text{"The application on your imKey is too old for this.", "imKey 上的应用版本过低，无法完成此操作。"},
		Next:  Text{"Update it with the vendor’s program, then try again.", "请用厂商的程序升级该应用，然后重试。"},
	},
	{
		Code:      "storage",
		Means:     "the browser's storage is blocked or failing",
		Retryable: true,
		What:      Text{"This browser does not let the page store the binding.", "本浏览器不允许本页面保存绑定信息。"},
		Next: Text{
			"Allow storage for this site, or leave the private window, then try again.",
			"请允许本站存储数据，或退出无痕窗口，然后重试。",
		},
	},
	{
		Code:      "storage-full",
		Means:     "the browser's storage has no room",
		Retryable: true,
		What:      Text{"This browser has no room left to store the binding.", "本浏览器没有空间保存绑定信息。"},
		Next:      Text{"Free some disk space, then try again. Nothing on the imKey was lost.", "请清理磁盘空间后重试。imKey 上没有任何丢失。"},
	},
	{
		Code:  "record-corrupt",
		Means: "the stored record does not authenticate, or its version is unknown",
		What:  Text{"What this browser stored about your imKey is damaged.", "本浏览器保存的 imKey 绑定信息已损坏。"},
		Next: Text{
			"The wallet on your imKey is safe. Forget this binding, then bind the imKey again with its code.",
			"imKey 中的钱包不受影响。请移除此绑定，然后用绑定码重新绑定。",
		},
	},
	{
		Code:  "record-exists",
		Means: "this browser knows the device already, and the import was not told to replace its record",
		Data:  "`data` is the `{ seid, serial }` of the device",
		What:  Text{"This browser has a binding with that imKey already.", "本浏览器已有与该 imKey 的绑定。"},
		Next:  Text{"Import the file again and choose which binding to keep. Nothing was changed.", "请重新导入并选择保留哪一个。没有任何改动。"},
	},
	{
		Code:  "file-invalid",
		Means: "the file holds nothing that can be imported",
		Data: "`data.reason` is `'not-a-binding'` for a file of another kind, `'damaged'` for one that was cut or changed, and `'version'` for one of a later " +
			"version of this library",
		What: Text{"This file holds no binding that can be imported.", "该文件中没有可导入的绑定。"},
		Next: Text{"Export it again in the other browser. Nothing was changed.", "请在另一个浏览器中重新导出。没有任何改动。"},
	},
	{
		Code:      "wrong-passphrase",
		Means:     "the file was encrypted with another passphrase",
		Retryable: true,
		What:      Text{"That is not the passphrase of this file.", "口令不正确。"},
		Next:      Text{"Enter the one that you chose when you exported it. Nothing was changed.", "请输入导出时设置的口令。没有任何改动。"},
	},
	{
		Code:  "invalid-argument",
		Means: "an argument of the caller has a wrong type or value",
		Data: "`data.reason` is `'name'`, `'passphrase'`, `'unknown-device'` or `'foreign-from'` for a problem with that argument. For an argument of " +
			"`ethereum.*`, `data.at` says where it is wrong and `data.reason` why. For `bitcoin.*` the reason may be `'high-fee'`, with the fee in " +
			"`data.fee`, `'nothing-to-sign'`, `'other-network'`, `'other-sighash'`, `'too-large'` or `'unproven-amount'`",
		Number: -32602,
		What:   Text{"This page asked for something that is not valid.", "本页面发出的请求无效。"},
		Next:   Text{"Report it to the operator of this page.", "请告知本网站：其开发者可以修正。"},
		OnPage: Text{"Reload the page. If it happens again, copy the report and ask for help.", "请刷新页面。若再次出现，请复制诊断报告寻求帮助。"},
		Reasons: []Reason{
			{
				Reason: "foreign-from",
				What:   Text{"The account does not belong to the wallet on your imKey.", "该账户不属于 imKey 上的钱包。"},
				Next:   Text{"Connect again to use its accounts.", "请重新连接以使用其中的账户。"},
			},
			{
				Reason: "name",
				What:   Text{"That name cannot be used.", "不能使用该名称。"},
				Next:   Text{"Enter a name of at most 32 characters, without line breaks.", "请输入不超过 32 个字符的名称，且不含换行。"},
			},
			{
				Reason: "passphrase",
				What:   Text{"That passphrase cannot be used.", "不能使用该口令。"},
				Next:   Text{"Enter a passphrase of 8 characters or more.", "请输入至少 8 个字符的口令。"},
			},
			{
				Reason: "high-fee",
				What:   Text{"The fee of this transaction is unusually high.", "这笔交易的手续费异常高。"},
				Next:   Text{"Nothing was signed. Pay it only if you are sure: this page must ask again with your consent.", "尚未签名。只有在确定时才支付：本页面须在您同意后重新发起。"},
			},
			{
				Reason: "nothing-to-sign",
				What:   Text{"Nothing in this transaction belongs to the wallet on your imKey.", "这笔交易中没有属于 imKey 钱包的内容。"},
				Next:   Text{"Check that the imKey with the right wallet is plugged in.", "请确认插入的是使用该钱包的 imKey。"},
			},
			{
				Reason: "other-network",
				What:   Text{"This mixes the Bitcoin network with a test network.", "此请求混用了比特币主网和测试网。"},
				Next:   Text{"Choose the network of your account, then try again.", "请选择账户所在的网络，然后重试。"},
			},
			{
				Reason: "other-sighash",
				What:   Text{"This page asked for a signature that others could put into another transaction.", "本页面请求的签名可能被他人用于另一笔交易。"},
				Next:   Text{"Nothing was signed. imKey signs whole transactions only.", "尚未签名。imKey 只对完整的交易签名。"},
			},
			{
				Reason: "too-large",
				What:   Text{"This transaction is too large to be shown and signed on an imKey.", "这笔交易过大，无法在 imKey 上显示并签名。"},
				Next:   Text{"Split it into smaller ones.", "请拆分为较小的交易。"},
			},
			{
				Reason: "unproven-amount",
				What:   Text{"This page did not prove the amounts of this transaction, so its fee could be wrong.", "本页面没有证明这笔交易的金额，手续费可能有误。"},
				Next:   Text{"Nothing was signed. Report it to the operator of this page.", "尚未签名。请告知本网站。"},
			},
			{
				Reason: "unknown-device",
				What:   Text{"This browser does not know that imKey.", "本浏览器不认识该 imKey。"},
				Next:   Text{"Bind it here first.", "请先在此绑定。"},
			},
		},
	},
	{
		Code:   "unsupported-method",
		Means:  "the device does not know the instruction, or the method does not exist",
		Wire:   "6D00 or 6E00",
		Number: 4200,
		What:   Text{"Your imKey does not know what this page asked for.", "imKey 不支持本页面请求的操作。"},
		Next:   Text{"Update its firmware with the vendor’s program, then try again.", "请用厂商的程序升级固件，然后重试。"},
	},
	{
		Code:   "internal",
		Means:  "this library has a bug, or could not load a part of itself",
		Data:   "`data.reason` is `'download'` where it could not load a part",
		What:   Text{"This page made an error and stopped. Nothing on your imKey was lost.", "本页面内部出错并已停止，imKey 上没有任何丢失。"},
		Next:   Text{"Reload the page. If it happens again, report it to its operator.", "请刷新页面。若再次出现，请告知本网站。"},
		OnPage: Text{"Reload the page. If it happens again, copy the report and ask for help.", "请刷新页面。若再次出现，请复制诊断报告寻求帮助。"},
		Reasons: []Reason{{
			Reason: "download",
			What:   Text{"A part of this page could not be loaded.", "本页面的一部分无法加载。"},
			Next:   Text{"Check the connection, then try again.", "请检查网络连接，然后重试。"},
		}},
	},
}
