namespace EveStorage.Host.Operations;

/// <summary>Who asks.</summary>
/// <param name="UserId">The user, as the kernel knows it.</param>
internal sealed record Caller(uint UserId);
