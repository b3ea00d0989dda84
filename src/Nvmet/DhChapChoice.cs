namespace EveStorage.Nvmet;

/// <summary>How hosts prove their keys, in the kernel's words.</summary>
/// <param name="Hash"><c>hmac(sha256)</c>, <c>hmac(sha384)</c> or <c>hmac(sha512)</c>.</param>
/// <param name="Group"><c>null</c>, or <c>ffdhe2048</c> to <c>ffdhe8192</c>.</param>
public sealed record DhChapChoice(string Hash, string Group);
