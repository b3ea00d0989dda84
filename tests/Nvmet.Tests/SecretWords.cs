using System.Text;
using EveStorage.NvmeOf;

namespace EveStorage.Tests;

/// <summary>Keys of a test, and the words by which a kernel's initiator is given them.</summary>
internal sealed class SecretWords : IKeyProvider
{
    private readonly Dictionary<KeyName, byte[]> _keys = [];

    internal void Put(string name, byte value) => _keys[new(name)] = [.. Enumerable.Repeat(value, 32)];

    /// <summary>A key of that value, as the initiator wants it.</summary>
    internal static string Text(byte value)
    {
        using DhChapSecret secret = DhChapSecret.OfKey([.. Enumerable.Repeat(value, 32)], "test");
        using KeyMaterial text = secret.ToText();
        return Encoding.ASCII.GetString(text.Bytes);
    }

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public IAsyncEnumerable<KeyName> ListAsync(CancellationToken cancellationToken) => _keys.Keys.ToAsyncEnumerable();

    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        byte[] bytes = _keys.GetValueOrDefault(name) ?? throw new StorageException(StorageErrorKind.NotFound, $"{name}", "is no key");
        KeyMaterial key = new(bytes.Length);
        bytes.CopyTo(key.Bytes);
        return new(key);
    }

    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of());
}
