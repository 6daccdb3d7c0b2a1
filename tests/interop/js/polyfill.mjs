// Node 20 lacks Promise.withResolvers, which js-libp2p 3 uses; loaded with `node --import`.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new this((yes, no) => { resolve = yes; reject = no })
  return { promise, resolve, reject }
}
