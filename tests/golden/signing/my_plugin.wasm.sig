{
  "version": 1,
  "algorithm": "Ed25519",
  "plugin_hash": "724b1795533541e0acef4392e5fbb62548c78c3d849760e954baaaddbd29d7af",
  "plugin_size": 56,
  "public_key": "869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61",
  "signature": "aaaef52520eea56354de98b16b2606a2d37e05c7b49d0362158e349af4d2807dd10a2a64cb1f74671f204020398219e8f0a4bbf0890700e0c35e6bee3712a204",
  "signed_at": "2025-11-19T08:59:12Z",
  "developer": {
    "name": "Your Name",
    "email": "you@example.com"
  },
  "statement": {
    "plugin": "my_plugin",
    "version": null,
    "capabilities": [],
    "required_signatures": 1,
    "expires_at": null,
    "signature": "749966c515c701c3546737f13d6c2d35b769f2d2c54babb5e765c7f38892bb0d875b99e0cbab902a8e0aa69e7ce4c89670fc9180c95836b4fae5824a79e22901"
  },
  "cosignatures": []
}
