import { say, type Text } from './text'

/** manage holds the words of the management of devices. */
export const manage = {
  devices: say('Devices this browser knows', '本浏览器认识的设备'),
  pluggedIn: say('Plugged in', '已插入'),
  notPluggedIn: say('Not connected to this page', '未与本页面连接'),
  unreadable: say('A record that cannot be read', '一条无法读取的记录'),
  notBound: say('Not bound yet', '尚未绑定'),
  importedHere: say('Imported, not used yet', '已导入，尚未使用'),
  former: say('Now bound elsewhere, or reset', '此后已绑定到别处，或已被重置'),
  damaged: say('Damaged, or from a newer version of this page', '已损坏，或来自更新版本的页面'),

  boundLead: say('This browser has a binding with this imKey.', '本浏览器保存着与这台 imKey 的绑定。'),
  unfinishedLead: say(
    'This browser began to bind this imKey and did not finish. Connect it to go on.',
    '本浏览器见过这台 imKey，但没有完成绑定。请连接后继续。',
  ),
  importedLead: say(
    'Its binding came from a file, and nothing that the file says is checked yet. Connect the imKey to see whether the binding is valid.',
    '绑定来自导入的文件，文件中的内容尚未核实。连接 imKey 后即可确认绑定是否有效。',
  ),
  formerLead: say(
    'When this browser last asked, the imKey was bound to another phone, browser or site, or had been reset. You can bind it here again, or have this browser forget it.',
    '上次询问时，这台 imKey 已绑定到另一部手机、另一个浏览器或网站，或已被重置。可以在此重新绑定，也可以让本浏览器移除它。',
  ),
  unreadableLead: say(
    'This browser cannot read its record of an imKey: the record is damaged, or a newer version of this page wrote it. The wallet on the imKey is safe. Reload the page; if that does not help, forget the record here and bind the imKey again with its binding code.',
    '本浏览器保存了一台 imKey 的信息，但无法读取：它已损坏，或由更新版本的页面写入。设备中的钱包不受影响。请刷新页面；若仍无法读取，请在此移除它，再用绑定码重新绑定。',
  ),
  connection: say('Connection', '连接'),
  certificate: say('Verified', '真伪验证'),
  verifiedBySimulator: say('By the simulator’s key', '已用模拟器密钥验证'),
  verifiedWhenBound: say('When it was bound', '绑定时已验证'),
  alike: say('Its name looks like another one here: compare the serial numbers', '名称与另一台相似：请核对序列号'),
  fromFile: say('From a file: others may have it', '来自导入的文件，他人可能也持有'),
  key: say('Key', '密钥'),
  accepted: say('No, accepted as it is', '未验证，你选择了接受'),
  code: say('Binding code', '绑定码'),
  codeKept: say('Kept in this browser', '保存在本浏览器'),
  codeNotKept: say('Not kept', '未保存'),
  plugToUse: say('Plug it in, then connect it to use it.', '请插入，然后点“连接”即可使用。'),
  plugToView: say('Plug it in, then connect it to use it or to view its binding code.', '请插入，然后点“连接”即可使用，也可查看其绑定码。'),
  connect: say('Connect this imKey', '连接这台 imKey'),
  lostCode: say('I do not have its binding code', '我没有绑定码'),
  back: say('Back', '返回'),
  imported: say(
    'The binding is in this browser now. Connect the imKey: no code is needed.',
    '绑定已导入本浏览器。连接 imKey 即可使用，无需绑定码。',
  ),

  renameTitle: say('Give your imKey a name', '为 imKey 设置名称'),
  renameLead: say(
    'The name stays in this browser; your imKey does not learn it. Leave it empty to show the serial number.',
    '名称只保存在本浏览器中，不会写入 imKey。留空则显示序列号。',
  ),
  name: say('Name', '名称'),
  nameLabel: say('Name, up to 32 characters', '名称，最多 32 个字符'),
  nameLong: say('That is too long: at most 32 characters.', '名称过长，最多 32 个字符。'),
  save: say('Save', '保存'),

  exportTitle: say('Export this binding', '导出此绑定'),
  exportLead: say(
    'Another browser of yours can import the file and use this imKey without its binding code. This browser stays bound as it is.',
    '你的另一个浏览器可以导入该文件，无需绑定码即可使用这台 imKey。本浏览器的绑定保持不变。',
  ),
  exportMeaning: say(
    'Anyone who has the file and its passphrase can use your imKey as this browser can. Keep the two apart, and delete the file once it is imported.',
    '对 imKey 来说，持有该文件及其口令的人就等同于本浏览器。请将两者分开保管，导入后删除该文件。',
  ),
  exportSigning: say(
    'Your imKey still asks for its button before it signs. The binding code, if this browser kept it, is in the file too.',
    '签名前 imKey 仍会要求按键确认。如果本浏览器保存了绑定码，文件中也会包含它。',
  ),
  passphrase: say('Passphrase', '口令'),
  passphraseAgain: say('Passphrase, once more', '再次输入口令'),
  showPassphrase: say('Show what I type', '显示输入内容'),
  strengthShort: say('Too short: at least 8 characters.', '太短：至少 8 个字符。'),
  strengthWeak: say(
    'Too weak: someone who gets the file could guess it. Take several words that do not belong together.',
    '强度太低：拿到文件的人可能猜中。请用几个互不相关的词。',
  ),
  strengthFair: say('Fair: it takes great effort to guess. One more word makes it strong.', '强度中等：很难猜中。再加一个词会更好。'),
  strengthStrong: say('Strong.', '强度高。'),
  mismatch: say('The two are not the same. Type it once more.', '两次输入不一致，请再次输入。'),
  exportNow: say('Save the file', '保存文件'),
  exporting: say('Encrypting', '正在加密'),
  exportingLead: say(
    'Encrypting is slow on purpose, so that the passphrase is hard to guess. This takes a few seconds.',
    '为使口令难以被猜中，加密有意放慢，需要几秒钟。',
  ),
  exportedTitle: say('The file is saved', '文件已保存'),
  exportedLead: say(
    'It is among your browser’s downloads. Take it to the other browser and import it there, on this same page.',
    '文件在浏览器的下载位置。请把它带到另一个浏览器，在同一页面中导入。',
  ),
  exportedLost: say(
    'It cannot be opened without the passphrase. If you forget the passphrase, export again.',
    '没有口令谁也打不开它；如果忘记口令，请重新导出。',
  ),
  file: say('File', '文件'),

  importTitle: say('Import a binding', '导入绑定'),
  importLead: say(
    'Choose the file that you exported in another browser of yours. Then both browsers can use the imKey.',
    '请选择你在另一个浏览器中导出的文件。导入后，两个浏览器都能使用这台 imKey。',
  ),
  importMeaning: say(
    'Import only a file that you exported yourself. The one who made the file has its key, too. If you are not sure, connect the imKey afterwards and choose “Make a new key”.',
    '只导入你自己导出的文件：制作文件的人也持有其中的密钥。如不确定，请在导入后连接 imKey 并选择“更换密钥”。',
  ),
  chooseFile: say('Choose the file', '选择文件'),
  dropFile: say('Or drop it here', '也可以拖放到这里'),
  importPassphraseTitle: say('Enter its passphrase', '输入文件口令'),
  importPassphraseLead: say('You chose it when you exported the file.', '即导出文件时设置的口令。'),
  importNow: say('Import it', '导入'),
  wrongPassphrase: say(
    'That is not the passphrase of this file. Nothing was changed; type it again.',
    '口令不正确，没有任何改动。请重新输入。',
  ),
  noPassphrase: say('Enter the passphrase first.', '请先输入口令。'),
  importing: say('Decrypting', '正在解密'),
  importingLead: say('This takes a few seconds.', '需要几秒钟。'),
  notABinding: say(
    'This is not a file with an exported binding. Such a file’s name ends in .age. Nothing was changed.',
    '这不是导出的绑定文件。绑定文件的名称以 .age 结尾。没有任何改动。',
  ),
  fileDamaged: say(
    'The file is damaged. Copy it again from where you saved it, or export it again; nothing was changed.',
    '文件已损坏。请从保存处重新复制，或重新导出；没有任何改动。',
  ),
  fileVersion: say(
    'A newer version of this page wrote the file. Reload this page and try again; nothing was changed.',
    '该文件由更新版本的页面写入。请刷新本页面后重试；没有任何改动。',
  ),
  anotherDevice: say(
    'The file belongs to another imKey than the one that you connected. Choose the file of this imKey; nothing was changed.',
    '该文件属于另一台 imKey，而不是你连接的这台。请选择这台的文件；没有任何改动。',
  ),
  anotherElement: say(
    'This browser knows the serial number in the file with another secure element. Do not use the file; export the binding again in your other browser. Nothing was changed.',
    '该文件对应的安全芯片，与本浏览器见过的同一编号的 imKey 不一致。请勿使用该文件，并在你的另一个浏览器中重新导出。没有任何改动。',
  ),
  existsTitle: say('This browser already knows that imKey', '本浏览器已认识该 imKey'),
  existsLead: say(
    'If you replace its binding with the one in the file, the binding in this browser is lost.',
    '如果用文件中的绑定替换，本浏览器现有的绑定就会丢失。',
  ),
  existsCode: say(
    'The binding code that this browser keeps is lost, too. The file has a code only if the other browser kept it.',
    '本浏览器保存的绑定码也会丢失。只有另一个浏览器保存过绑定码，文件中才会有。',
  ),
  existsAdvice: say(
    'If this browser can use the imKey now, keep its binding. Replace it only if your imKey is now bound to the browser that the file comes from.',
    '如果本浏览器现在可以使用该 imKey，请保留现有绑定。只有当 imKey 已绑定到导出该文件的浏览器时，才应替换。',
  ),
  replace: say('Replace it', '替换'),
  keepMine: say('Keep this browser’s binding', '保留现有绑定'),

  lostFirstTitle: say('You may not need the code', '你可能不需要绑定码'),
  lostFirstKept: say(
    'This browser still keeps the code. Plug the imKey in, connect it, and choose “View the binding code”.',
    '本浏览器仍保存着绑定码。请插入并连接 imKey，然后选择“查看绑定码”。',
  ),
  lostFirstScreen: say(
    'This browser did not keep the code. But as long as this browser is bound, your imKey shows the code on its own screen: connect it and choose “Show it on the imKey’s screen”.',
    '本浏览器没有保存绑定码，但只要仍处于绑定状态，imKey 就能在自己的屏幕上显示它：请连接后选择“在 imKey 屏幕上显示”。',
  ),
  lostFirstAsk: say(
    'Plug the imKey in and connect it first: it may know this browser, or show its code on its own screen.',
    '请先插入并连接 imKey：它可能认得本浏览器，也可能在自己的屏幕上显示绑定码。',
  ),
  lostFirstOther: say(
    'A phone, browser or site that it is bound to now can show the code, too.',
    '目前与它绑定的手机、浏览器或网站也能显示绑定码。',
  ),
  lostFirstNo: say('That does not help me', '这些办法都不行'),
  lostTitle: say('Without the code, only a reset helps', '没有绑定码，只能重置'),
  lostLead: say(
    'A bound imKey shows its code only to the phone, browser or site that it is bound to. First look for one that can still show the code, and for the paper beside your mnemonic phrase.',
    '已绑定的 imKey 只向与之绑定的一方显示绑定码。请先找一找仍能显示它的手机或浏览器，以及与助记词放在一起的纸。',
  ),
  lostReset: say(
    'If there is none, the imKey has to be reset, on its own buttons. A reset erases the wallet from it. Then you restore the wallet from your mnemonic phrase, and the imKey shows a new binding code.',
    '如果都没有，就只能在设备上用按键重置 imKey。重置会清除其中的钱包。之后用助记词恢复钱包，imKey 会显示新的绑定码。',
  ),
  lostWipe: say(
    'Without the mnemonic phrase, everything in the wallet is then lost for ever.',
    '如果没有助记词，钱包中的资产将永远丢失，任何人都无法找回。',
  ),
  lostPage: say('This page cannot reset an imKey and never does.', '本页面无法重置 imKey，也绝不会这样做。'),
  lostGoOn: say('I want to reset it', '我要重置 imKey'),
  atHandTitle: say('Is your mnemonic phrase at hand?', '助记词在手边吗？'),
  atHandLead: say(
    'The words must be on paper, in front of you now. Your memory is not enough, and neither is a paper somewhere in the house.',
    '记在脑子里、放在家中某处都不算：要写在纸上，现在就在眼前。',
  ),
  atHandTick: say('The words are in front of me, and I can read every one of them.', '助记词就在我眼前，每个词都能看清。'),
  atHandFirst: say('Tick the box first if that is so.', '如果是这样，请先勾选上面的选项。'),
  atHandNo: say('They are not', '不在手边'),
  countTitle: say('Count the words', '数一数有几个词'),
  countLead: say(
    'How many words are on your paper? Do not type the words themselves here, nor anywhere else on a computer.',
    '纸上共有几个词？不要在这里输入这些词，也不要在电脑的任何地方输入。',
  ),
  countOther: say('Another number, or some are missing', '其他数目，或有缺漏'),
  countFirst: say('Choose one of the numbers first.', '请先选择数目。'),
  keepTitle: say('Then do not reset your imKey', '那么请不要重置 imKey'),
  keepLead: say(
    'Your wallet is safe on your imKey. Reset it only once you have the whole phrase.',
    '目前钱包安全地保存在设备中。只有找到完整的助记词后才能重置。',
  ),
  keepOther: say(
    'If a phone or browser is still bound to it, move what is in the wallet to another wallet with it first; then you lose nothing by the reset.',
    '如果还有手机或浏览器与它绑定，可先用它把资产转移到另一个钱包，之后再重置就没有损失。',
  ),
  howTitle: say('Reset it on the device', '在设备上重置'),
  howLead: say('Do this with the imKey in your hands. This page waits.', '请手持 imKey 操作，本页面会等待。'),
  howMenu: say(
    'On the imKey, open its menu and choose to reset it. It asks you to confirm.',
    '在 imKey 上打开菜单，选择重置，并按提示确认。',
  ),
  howRestore: say(
    'Restore the wallet on the imKey, from your mnemonic phrase. Enter the words on the device alone.',
    '在 imKey 上用助记词恢复钱包。助记词只能在设备上输入。',
  ),
  howConnect: say(
    'Plug it in and connect it here. It shows a new binding code: write it down beside your phrase.',
    '插入并在此连接。它会显示新的绑定码：请抄写下来，与助记词放在一起。',
  ),
  howDone: say('It is reset: connect it', '已重置，现在连接'),
  goOn: say('Continue', '继续'),
  stop: say('Stop', '停止'),
} satisfies Record<string, Text>

/** boundOn says when a device was bound. The time is written in the user's language. */
export function boundOn(moment: Text): Text {
  return say(`Bound on ${moment.en}`, `绑定于 ${moment.zh}`)
}

/** wordCount says how many words a phrase has. */
export function wordCount(n: number): Text {
  return say(`${n} words`, `${n} 个词`)
}
