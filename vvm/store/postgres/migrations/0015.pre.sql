-- functions/ have changed, and little else: who knows them by an older text does not put that back.

SELECT;
