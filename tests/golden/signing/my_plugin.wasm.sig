{
  "version": 1,
  "algorithm": "Ed25519",
  "plugin_hash": "93a44bbb96c751218e4c00d479e4c14358122a389acca16205b1e4d0dc5f9476",
  "plugin_size": 8,
  "public_key": "869e92a2650f8318480088a886b78edc16526e5d7adb9a9fd4b55c980b33ce61",
  "signature": "bebdbc29bab2df16271adab6b96b865ab0cd6cbb27491354c78abad76a42f0ed8b4fcdf25f865cfd5762815885a1e5713ce35d06aa564844abd9bcd6f3afd90c",
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
    "signature": "ce2ebf897a38b72427560a4d31a114f2477d76d24a70d1015d0d8b8e497e2bcfa8f3106e66c36e6818f9050c7fc8e0b105240bcd6b7a7c894958bbe7ca6aea01"
  },
  "cosignatures": []
}
