using System.Runtime.CompilerServices;
using System.Text;

namespace EveStorage.ZfsTrial;

/// <summary>A source of keys in memory: one key a name, the same at each asking, unless it is told to forget or to mistake it.</summary>
internal sealed class TrialKeys : IKeyProvider
{
    internal bool IsLost { get; set; }

    internal bool IsWrong { get; set; }

    public ValueTask<IReadOnlyList<string>> ProbeAsync(CancellationToken cancellationToken) => new([]);

    public async IAsyncEnumerable<KeyName> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }

    public ValueTask<KeyMaterial> GetAsync(KeyName name, CancellationToken cancellationToken)
    {
        if (IsLost)
        {
            throw new StorageException(StorageErrorKind.NotFound, $"{name}", "is lost, for the trial");
        }

        // What was received encrypted has the sender's.
        if ($"{name}".StartsWith("volume-", StringComparison.Ordinal))
        {
            KeyMaterial theirs = new(StreamTrial.Passphrase.Length);
            Encoding.ASCII.GetBytes(StreamTrial.Passphrase, theirs.Bytes);
            return new(theirs);
        }

        KeyMaterial key = new(32);
        key.Bytes.Fill(IsWrong ? (byte)7 : (byte)($"{name}".Length + 'A'));   // another name, another key
        return new(key);
    }

    public ValueTask<Plan> PlanCreateAsync(KeyName name, int length, CancellationToken cancellationToken) => new(Plan.Of());

    public ValueTask<Plan> PlanDeleteAsync(KeyName name, CancellationToken cancellationToken) => new(Plan.Of());
}
