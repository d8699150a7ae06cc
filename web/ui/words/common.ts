import { say, type Text } from './text'

export const common = {
  language: say('Language', '语言'),
  simulatorRuns: say('A simulated device runs here', '此处运行着一台模拟设备'),
  simulated: say('Simulated device', '模拟设备'),
  simulatedNote: say('Holds no money.', '不能存放资产。'),
  openDevicePage: say('Device page', '设备页面'),
  openDapp: say('dApp page', 'dApp 页面'),
  openConnectPage: say('Connect page', '连接页面'),
} satisfies Record<string, Text>
