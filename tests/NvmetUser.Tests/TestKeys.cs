using System.Security.Cryptography;
using System.Text;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>Keys of 32 bytes that come from their names; others are not there, and one is too short.</summary>
internal sealed class TestKeys : IKeyProvider
{
    internal static DhChapSecret Secret(string name) => DhChapSecret.OfKey(Bytes(name), name);

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public async IAsyncEnumerable<KeyName> ListAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        if ($"{name}" == "none")
        {
            throw new StorageException(StorageErrorKind.NotFound, $"key {name}", "is not there");
        }

        byte[] bytes = Bytes($"{name}");
        KeyMaterial key = new($"{name}" == "short" ? 16 : bytes.Length);
        bytes.AsSpan(0, key.Bytes.Length).CopyTo(key.Bytes);
        return new(key);
    }

    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => throw new StorageException(StorageErrorKind.NotSupported, "keys", "are a test's");

    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => throw new StorageException(StorageErrorKind.NotSupported, "keys", "are a test's");

    private static byte[] Bytes(string name) => SHA256.HashData(Encoding.UTF8.GetBytes(name));
}
