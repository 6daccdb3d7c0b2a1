// A js-libp2p peer for the interoperability tests.
//
//   node --import ./polyfill.mjs peer.mjs listen           serves the interop protocols and prints its address
//   node --import ./polyfill.mjs peer.mjs key TYPE FILE    makes an identity and prints its peer id
//   node --import ./polyfill.mjs peer.mjs dial MULTIADDR   runs every case there and prints "CASE name ok|FAIL detail"
//   node --import ./polyfill.mjs peer.mjs wire MULTIADDR PROTOCOL MAGIC HASH   fetches a block, prints "BLOCK size hash"
import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { peerIdFromPrivateKey, peerIdFromString } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { fetchBlock } from './wire.mjs'

const ECHO = '/interop/echo/1' // echoes until the end
const COUNT = '/interop/count/1' // reads to the end, then answers with the SHA-256
const RESET = '/interop/reset/1' // resets at the first byte
const HOLD = '/interop/hold/1' // answers one byte, then waits for the end
const ECHO_BYTES = 20 << 20
const STREAMS_TRIED = 48
const STRANGER = '12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA'

if (process.argv[2] === 'key') {
  const key = await generateKeyPair(process.argv[3])
  writeFileSync(process.argv[4], Buffer.from(privateKeyToProtobuf(key)).toString('base64'))
  console.log(peerIdFromPrivateKey(key).toString())
  process.exit(0)
}

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: { identify: identify(), ping: ping() },
  nodeInfo: { userAgent: 'interop-js/1' }
})

async function write (stream, bytes) {
  if (!stream.send(bytes)) await stream.onDrain()
}

async function readAll (stream) {
  const parts = []
  for await (const part of stream) parts.push(Buffer.from(part.subarray()))
  return Buffer.concat(parts)
}

const limits = { maxInboundStreams: 256, maxOutboundStreams: 256 }
await node.handle(ECHO, async (stream) => {
  for await (const part of stream) await write(stream, part)
  await stream.close()
}, limits)
await node.handle(COUNT, async (stream) => {
  const digest = createHash('sha256')
  for await (const part of stream) digest.update(part.subarray())
  await write(stream, digest.digest())
  await stream.close()
}, limits)
await node.handle(RESET, async (stream) => {
  for await (const _ of stream) break
  stream.abort(new Error('as asked'))
}, limits)
await node.handle(HOLD, async (stream) => {
  await write(stream, Uint8Array.from([1]))
  await readAll(stream)
  await stream.close()
}, limits)

const mode = process.argv[2]
if (mode === 'listen') {
  console.log(`LISTENING ${node.getMultiaddrs()[0]}`)
  // The parent closes our standard input to end us.
  process.stdin.resume()
  process.stdin.on('end', () => process.exit(0))
} else if (mode === 'dial') {
  await dial(multiaddr(process.argv[3]))
  process.exit(0)
} else {
  console.log(await fetchBlock(node, ...process.argv.slice(3)))
  process.exit(0)
}

async function run (name, check) {
  const start = performance.now()
  try {
    await check()
    console.log(`CASE ${name} ok ${((performance.now() - start) / 1000).toFixed(3)}s`)
  } catch (error) {
    console.log(`CASE ${name} FAIL ${String(error.stack ?? error).replaceAll('\n', ' ')}`)
  }
}

function demand (condition, message) {
  if (!condition) throw new Error(message)
}

async function fails (promise, message) {
  try {
    await promise
  } catch {
    return
  }
  throw new Error(message)
}

async function dial (address) {
  const text = address.toString()
  const peer = peerIdFromString(text.split('/p2p/')[1])
  const limits = { maxOutboundStreams: 256 }
  await run('wrong-peer', () => fails(
    node.dial(multiaddr(text.replace(peer.toString(), STRANGER))), 'connected to a peer with another id'))
  let connection
  const identified = new Promise((resolve) => {
    node.addEventListener('peer:identify', (event) => { if (event.detail.peerId.equals(peer)) resolve(event.detail) })
  })
  await run('handshake', async () => { connection = await node.dial(address) })
  await run('identify', async () => {
    const found = await identified
    demand(found.agentVersion === 'minicoin-interop/1', `agent version ${found.agentVersion}`)
    demand(found.protocols.includes(ECHO), `protocols ${found.protocols}`)
    demand(found.observedAddr?.toString().startsWith('/ip4/127.0.0.1/tcp/'), `observed ${found.observedAddr}`)
  })
  await run('ping', async () => { demand(await node.services.ping.ping(peer) >= 0, 'no answer') })
  await run('echo', () => checkEcho(connection))
  await run('half-close', async () => {
    const stream = await connection.newStream(COUNT, limits)
    const payload = Buffer.from('half-close '.repeat(100_000))
    await write(stream, payload)
    const answer = readAll(stream)
    await stream.close()
    demand((await answer).equals(createHash('sha256').update(payload).digest()), 'another digest')
  })
  await run('reset', async () => {
    const stream = await connection.newStream(RESET, limits)
    const closed = new Promise((resolve) => stream.addEventListener('close', resolve))
    stream.send(Uint8Array.from([1]))
    const event = await closed
    demand(event.error != null, 'the stream was not reset')
  })
  await run('refused', () => fails(connection.newStream('/interop/unknown/1'), 'an unknown protocol was accepted'))
  await run('stream-limit', () => checkStreamLimit(connection))
}

async function checkEcho (connection) {
  const stream = await connection.newStream(ECHO, { maxOutboundStreams: 256 })
  const sent = createHash('sha256')
  const received = createHash('sha256')
  let size = 0
  const reading = (async () => {
    for await (const part of stream) {
      received.update(part.subarray())
      size += part.byteLength
    }
  })()
  for (let left = ECHO_BYTES; left > 0; left -= 65536) {
    const chunk = randomBytes(65536)
    sent.update(chunk)
    await write(stream, chunk)
  }
  await stream.close()
  await reading
  demand(size === ECHO_BYTES && sent.digest().equals(received.digest()), `${size} bytes came back`)
}

async function checkStreamLimit (connection) {
  const held = []
  for (let tried = 0; tried < STREAMS_TRIED; tried++) {
    try {
      const stream = await connection.newStream(HOLD, { maxOutboundStreams: 256, signal: AbortSignal.timeout(2000) })
      const first = await stream[Symbol.asyncIterator]().next()
      if (first.value?.byteLength === 1) held.push(stream)
    } catch {
      // Refused: what the limit is for.
    }
  }
  demand(held.length > 0 && held.length < STREAMS_TRIED, `${held.length} of ${STREAMS_TRIED} streams open`)
  demand(connection.status === 'open', 'the connection did not survive the limit')
}
