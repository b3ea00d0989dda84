namespace EveStorage.Tests;

/// <summary>A guest and a daemon with a pool, for the tests that need no fresh ones.</summary>
public sealed class ServedGuest : IAsyncLifetime
{
    private Evestorage? _product;
    private Guest? _guest;

    internal Guest Guest => Required(_guest);

    internal Evestorage Product => Required(_product);

    // A fixture can't skip a test: where there is no lab, each test does when it asks for the guest.
    public async ValueTask InitializeAsync()
    {
        if (!Guest.IsThere)
        {
            return;
        }

        _product = new();
        await _product.ServeAsync();
        await _product.RunAsync("pool", "create", "data");
        _guest = await Guest.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_guest is not null)
        {
            await _guest.DisposeAsync();
        }

        if (_product is not null)
        {
            await _product.DisposeAsync();
        }
    }

    private static T Required<T>(T? started)
        where T : class
    {
        Guest.Require();
        return started!;
    }

    /// <summary>Makes a volume and connects the guest to it.</summary>
    internal async Task<ConnectedVolume> ConnectAsync(string name, string size, string more = "")
    {
        string host = "nqn.2014-08.org.example:" + name;
        await Product.RunAsync("volume", "create", "data/" + name, size);
        string subsystem = await Product.ExportAsync("data/" + name, "--host", host);
        (int code, _, string error) = await Guest.ConnectAsync(Product.Port, subsystem, host, more);
        code.ShouldBe(0, error);
        return new(this, "data/" + name, subsystem, host);
    }
}

/// <summary>Tests that take turns with one guest.</summary>
[CollectionDefinition(Name)]
public sealed class OnOneGuest : ICollectionFixture<ServedGuest>
{
    public const string Name = "one guest";
}
